/** A callback that is called soon, never at once: whoever fires may be inside the listener's own loop (taking a batch
 *  grants credit, which may bring the next batch). Fires between two calls are one. */
export class Signal {
  private callback: (() => void) | undefined;
  private scheduled = false;

  listen(callback: () => void): void {
    this.callback = callback;
  }

  readonly fire = (): void => {
    if (this.scheduled || this.callback === undefined) return;
    this.scheduled = true;
    queueMicrotask(() => {
      this.scheduled = false;
      this.callback?.();
    });
  };
}

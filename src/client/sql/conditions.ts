/** \if, \elif, \else, \endif: which lines count. */

type Branch =
  /** This branch runs. */
  | 'true'
  /** It does not; a later one may. */
  | 'false'
  /** An earlier one ran, or all around it is skipped: none will. */
  | 'ignored'
  | 'else-true'
  | 'else-false';

type Frame = {
  state: Branch;
  /** What the query buffer held when the branch began: text of a skipped branch is taken back. */
  buffer: string;
  parenDepth: number;
};

export type Buffer = { buffer: string; parenDepth: number };

export class Conditions {
  private readonly frames: Frame[] = [];

  get active(): boolean {
    const state = this.frames[this.frames.length - 1]?.state;
    return state === undefined || state === 'true' || state === 'else-true';
  }

  get open(): boolean {
    return this.frames.length > 0;
  }

  /** Leaves all of them. */
  clear(): void {
    this.frames.length = 0;
  }

  private get top(): Frame | undefined {
    return this.frames[this.frames.length - 1];
  }

  /** `value`: asked for only where the branch could run. */
  begin(scanner: Buffer, value: () => boolean | undefined): void {
    const state = this.active ? undefined : 'ignored';
    const frame: Frame = {
      state: state ?? 'ignored',
      buffer: scanner.buffer,
      parenDepth: scanner.parenDepth,
    };
    this.frames.push(frame);
    if (state === undefined) {
      // The condition is read as part of what surrounds it.
      this.frames.pop();
      const holds = value();
      this.frames.push(frame);
      frame.state = holds === true ? 'true' : 'false';
    }
  }

  /** False: no \if is open, or \else came before. */
  elif(scanner: Buffer, value: () => boolean | undefined): 'ok' | 'after-else' | 'no-if' {
    const { top } = this;
    switch (top?.state) {
      case undefined:
        return 'no-if';
      case 'true':
        top.buffer = scanner.buffer;
        top.parenDepth = scanner.parenDepth;
        top.state = 'ignored';
        return 'ok';
      case 'false': {
        this.discard(scanner, top);
        top.state = 'true';
        top.state = value() === true ? 'true' : 'false';
        return 'ok';
      }
      case 'ignored':
        this.discard(scanner, top);
        return 'ok';
      default:
        return 'after-else';
    }
  }

  else(scanner: Buffer): 'ok' | 'after-else' | 'no-if' {
    const { top } = this;
    switch (top?.state) {
      case undefined:
        return 'no-if';
      case 'true':
        top.buffer = scanner.buffer;
        top.parenDepth = scanner.parenDepth;
        top.state = 'else-false';
        return 'ok';
      case 'false':
        this.discard(scanner, top);
        top.state = 'else-true';
        return 'ok';
      case 'ignored':
        this.discard(scanner, top);
        top.state = 'else-false';
        return 'ok';
      default:
        return 'after-else';
    }
  }

  end(scanner: Buffer): boolean {
    const { top } = this;
    if (top === undefined) return false;
    if (top.state !== 'true' && top.state !== 'else-true') this.discard(scanner, top);
    this.frames.pop();
    return true;
  }

  private discard(scanner: Buffer, frame: Frame): void {
    scanner.buffer = frame.buffer;
    scanner.parenDepth = frame.parenDepth;
  }
}

/** The way in which a long computation of one value hears that nobody wants it any more.
 *
 *  Whoever runs computations says how to find out (a worker looks at its query's flag in shared memory); whoever computes
 *  for longer than a moment asks now and then. Without anyone to ask, nothing is interrupted. One for each thread. */

let check: (() => void) | undefined;

/** `f` throws when the computation shall end. */
export function onInterrupt(f: (() => void) | undefined): void {
  check = f;
}

/** Throws when the computation shall end. Costs a call: ask every few thousand steps. */
export function checkInterrupts(): void {
  check?.();
}

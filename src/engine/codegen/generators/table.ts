/** Which functions have generated code. */
import type { CallExpr } from '../calls.js';
import type { Emitter } from '../emitter.js';
import type { Val } from '../val.js';
import { castGenerators } from './casts.js';
import { dateGenerators } from './dates.js';
import { floatGenerators } from './floats.js';
import { integerGenerators } from './integers.js';
import { numericGenerators } from './numerics.js';
import { stringGenerators } from './strings.js';

/** Code for one call; undefined when these arguments are better served by the TypeScript function. */
export type Generator = (e: Emitter, args: readonly Val[], call: CallExpr) => Val | undefined;

const GENERATORS: ReadonlyMap<string, Generator> = new Map<string, Generator>([
  ...integerGenerators,
  ...floatGenerators,
  ...numericGenerators,
  ...castGenerators,
  ...dateGenerators,
  ...stringGenerators,
]);

export function generatorOf(fn: string): Generator | undefined {
  return GENERATORS.get(fn);
}

export function generatedFunctions(): readonly string[] {
  return [...GENERATORS.keys()];
}

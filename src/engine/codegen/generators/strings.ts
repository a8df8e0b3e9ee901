import type { Generator } from './table.js';

export const stringGenerators: readonly (readonly [string, Generator])[] = [];

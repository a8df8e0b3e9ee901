import type { Generator } from './table.js';

export const dateGenerators: readonly (readonly [string, Generator])[] = [];

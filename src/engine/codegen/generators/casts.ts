import type { Generator } from './table.js';

export const castGenerators: readonly (readonly [string, Generator])[] = [];

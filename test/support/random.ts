/** A seeded generator, so that a failing case is the same on every machine. Source: mulberry32 (public domain). */
export type Random = {
  /** An integer in [0, below). */
  int(below: number): number;
  pick<T>(list: readonly T[]): T;
  digits(count: number): string;
  chance(oneIn: number): boolean;
};

export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  const int = (below: number): number => Math.floor(next() * below);
  return {
    int,
    pick: (list) => list[int(list.length)]!,
    digits: (count) => Array.from({ length: count }, () => int(10)).join(''),
    chance: (oneIn) => int(oneIn) === 0,
  };
}

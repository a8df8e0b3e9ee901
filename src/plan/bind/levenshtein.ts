/** Edit distance with unit costs: how PostgreSQL finds the name that was perhaps meant. */

export function levenshtein(a: string, b: string): number {
  const s = [...a];
  const t = [...b];
  let row = Array.from({ length: t.length + 1 }, (_, j) => j);
  for (let i = 1; i <= s.length; i++) {
    const next = [i];
    for (let j = 1; j <= t.length; j++)
      next[j] = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (s[i - 1] === t[j - 1] ? 0 : 1));
    row = next;
  }
  return row[t.length];
}

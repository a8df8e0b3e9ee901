import { describe, expect, it } from 'vitest';
import { judge } from './targets.js';

const verdicts = (name: string, figures: Record<string, number>) =>
  judge(new Map([[name, figures]])).map((v) => v.met);

describe('targets', () => {
  it('limits hold for every figure that they name', () => {
    const ratio = (q: number, r: number) => ({
      [`aggregation of Q${q}, compiled over hand-written (ratio)`]: r,
    });
    expect(verdicts('operators', { ...ratio(1, 1.5), ...ratio(6, 1.2) })).toEqual([true]);
    expect(verdicts('operators', { ...ratio(1, 1.2), ...ratio(6, 1.51) })).toEqual([false]);
  });

  it('are compared with the peer of the same run', () => {
    const run = (ours: number) => ({ '8 clients, mpp (s)': ours, '8 clients, DuckDB (s)': 10 });
    expect(verdicts('concurrency-sf1', run(12))).toEqual([true]);
    expect(verdicts('concurrency-sf1', run(12.1))).toEqual([false]);
  });

  it('growth is judged by the growth of the data', () => {
    const run = (from: string, to: string, factor: number) => ({
      [`growth from ${from} to ${to}, worst query, mpp (times)`]: factor,
      [`growth from ${from} to ${to}, worst query, DuckDB (times)`]: 99,
    });
    expect(verdicts('scale', { ...run('0.1', '1', 9.9), ...run('1', '10', 10) })).toEqual([true]);
    expect(verdicts('scale', { ...run('0.1', '1', 9.9), ...run('1', '3', 3.1) })).toEqual([false]);
  });

  it('say nothing of what was not measured', () => {
    expect(verdicts('concurrency-sf1', { '8 clients, mpp (s)': 1 })).toEqual([]);
    expect(verdicts('scale', {})).toEqual([]);
  });
});

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { SliceSink } from '../../plan/physical.js';
import { hashRow, segmentOfHash } from '../../types/hash.js';
import type { MotionId, SliceId } from '../../types/ids.js';
import { BOOL, FLOAT4, INT4, INT8, INTERVAL, NUMERIC, type SqlType, TEXT } from '../../types/sql-type.js';
import type { Value } from '../../types/value.js';
import { col, column, scan, slice, sortedRows } from './test-plans.js';
import { runSlice } from './testing.js';

const TYPES: readonly SqlType[] = [
  INT4,
  TEXT,
  BOOL,
  INT8,
  { kind: 'numeric', precision: 38, scale: 4 },
  NUMERIC,
  FLOAT4,
  INTERVAL,
];

const VALUES: Record<string, fc.Arbitrary<Value>> = {
  int4: fc.integer(),
  text: fc.string(),
  bool: fc.boolean(),
  int8: fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n }),
  float4: fc.float({ noNaN: true }),
  interval: fc.record({
    months: fc.integer(),
    days: fc.integer(),
    micros: fc.bigInt({ min: -(1n << 62n), max: 1n << 62n }),
  }),
};

function value(t: SqlType): fc.Arbitrary<Value> {
  const v =
    t.kind === 'numeric'
      ? fc.record({
          unscaled: fc.bigInt({ min: -(10n ** 37n), max: 10n ** 37n }),
          scale: fc.constant(t.scale ?? 7),
        })
      : VALUES[t.kind];
  return fc.oneof(
    { weight: 4, arbitrary: v as fc.Arbitrary<Value> },
    { weight: 1, arbitrary: fc.constant(null) },
  );
}

function motion(
  mode: 'hash' | 'random' | 'broadcast' | 'gather',
  cols: ReturnType<typeof column>[],
  keys: number[],
): SliceSink {
  const base = { kind: 'motion' as const, motion: 1 as MotionId, to: 1 as SliceId, cols };
  return mode === 'hash' ? { ...base, mode, keys: keys.map((k) => col(cols[k])) } : { ...base, mode };
}

describe('sinks', () => {
  test('every row arrives once, at the partition of its hash', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(...TYPES.map(value)), { maxLength: 60 }),
        fc.uniqueArray(fc.integer({ min: 0, max: 5 }), { maxLength: 3 }),
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 3 }),
        (rows, keys, receivers, workers) => {
          const cols = TYPES.map((t, i) => column(`c${i}`, t));
          const input = scan(cols);
          const r = runSlice(slice(input, motion('hash', cols, keys)), new Map([[input.id, rows]]), {
            receivers,
            workers,
            batchRows: 7,
          });
          expect(r.leakedBytes).toBe(0);
          expect(sortedRows(r.rows)).toEqual(sortedRows(rows));
          for (const [p, got] of r.partitions)
            for (const row of got)
              expect(
                segmentOfHash(
                  hashRow(
                    keys.map((k) => TYPES[k]),
                    keys.map((k) => row[k]),
                  ),
                  receivers,
                ),
              ).toBe(p);
        },
      ),
      { numRuns: 120 },
    );
  }, 60_000);

  test('gather, broadcast, random; chunks stay small', () => {
    const a = column('a', INT4, false);
    const s = column('s', TEXT, false);
    const input = scan([a, s]);
    const rows = Array.from({ length: 40_000 }, (_, i) => [i, 'x'.repeat(i % 60)] as Value[]);
    for (const mode of ['gather', 'broadcast', 'random'] as const) {
      const r = runSlice(slice(input, motion(mode, [a, s], [])), new Map([[input.id, rows]]), {
        receivers: 3,
        workers: 1,
      });
      expect(r.rows).toEqual(rows);
      expect([...r.partitions.keys()].sort()).toEqual(
        mode === 'gather' ? [0] : mode === 'broadcast' ? [-1] : [0, 1, 2],
      );
    }
  });
});

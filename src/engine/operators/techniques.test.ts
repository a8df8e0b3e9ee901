/** Each technique of the compiler is used where it can be, and `Slice.without` takes it away: the code differs. That the
 *  rows do not is for the property tests and the SQL logic tests, which run without each and without all. */
import { describe, expect, test } from 'vitest';
import type { Column } from '../../plan/expr.js';
import type { PhysicalOp } from '../../plan/physical.js';
import type { EngineTechnique } from '../../plan/techniques.js';
import type { ColumnLayout } from '../../types/memory.js';
import { INT4, INT8, NUMERIC, TEXT } from '../../types/sql-type.js';
import { compileSlice } from './compile.js';
import { agg, cmp, col, column, hashAgg, hashJoin, lit, op, scan, slice } from './test-plans.js';

const LAYOUTS: Readonly<Record<string, ColumnLayout>> = {
  int4: { encoding: 'i32', nullable: false },
  int8: { encoding: 'i64', nullable: false },
  text: { encoding: 'dict8', nullable: false },
};

function codeOf(root: PhysicalOp, without: readonly EngineTechnique[]): string {
  const layouts = new Map<number, ColumnLayout[]>();
  const visit = (o: PhysicalOp): void => {
    if (o.kind === 'scan')
      layouts.set(
        o.id,
        o.scanCols.map((c) => LAYOUTS[c.type.kind]!),
      );
    for (const input of ['input', 'probe', 'build'] as const)
      if (input in o) visit((o as unknown as Record<string, PhysicalOp>)[input]!);
  };
  visit(root);
  const compiled = compileSlice({ ...slice(root), without }, { layouts, instrument: false, workers: 1 });
  return Buffer.from(compiled.wasm).toString('base64');
}

const int = (name: string, max = 1000n): Column => column(name, INT4, false, { min: 0n, max });
const text = (name: string): Column => column(name, TEXT, false);

function joined(): PhysicalOp {
  const [a, b] = [int('a'), int('b')];
  return hashJoin('inner', scan([a]), scan([b]), [[col(a), col(b)]]);
}

function grouped(by: Column): PhysicalOp {
  return hashAgg('single', scan([by]), [by], [agg('count', [], INT8)]);
}

function summed(): PhysicalOp {
  const x = column('x', INT8, false, { min: 0n, max: 1n << 60n });
  return hashAgg('single', scan([x]), [], [agg('sum', [col(x)], NUMERIC)]);
}

function filteredBy(c: Column, x: Parameters<typeof cmp>[2]): PhysicalOp {
  return scan([c], cmp('=', col(c), x));
}

function sorted(limit?: bigint): PhysicalOp {
  const a = int('a');
  return op('sort', {
    input: scan([a]),
    cols: [a],
    keys: [{ expr: col(a), descending: false, nullsFirst: false }],
    limit: limit === undefined ? undefined : lit(limit, INT8),
    distinctOn: undefined,
  });
}

const CASES: readonly (readonly [EngineTechnique, () => PhysicalOp])[] = [
  ['DenseJoin', joined],
  ['DenseGroups', () => grouped(int('g'))],
  ['GroupCache', () => grouped(text('g'))],
  ['VectorFilter', () => filteredBy(int('f'), lit(7, INT4))],
  ['DictionaryFilter', () => filteredBy(text('f'), lit('seven', TEXT))],
  ['SortPrefix', () => sorted()],
  ['TopN', () => sorted(10n)],
  ['CarrySums', summed],
];

describe('a technique', () => {
  test.each(CASES)('%s', (name, plan) => {
    const root = plan();
    expect(codeOf(root, [])).toBe(codeOf(root, []));
    expect(codeOf(root, [name])).not.toBe(codeOf(root, []));
    const others = CASES.map(([n]) => n).filter((n) => n !== name);
    // It is what makes the difference, also where the others are off.
    expect(codeOf(root, [...others, name])).not.toBe(codeOf(root, others));
  });
});

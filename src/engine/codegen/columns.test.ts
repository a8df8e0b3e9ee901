import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Column } from '../../plan/expr.js';
import type { ColId } from '../../types/ids.js';
import {
  BATCH_COLUMN_BYTES,
  BATCH_HEADER_BYTES,
  type ColumnLayout,
  ENCODING_CODE,
  type Encoding,
} from '../../types/memory.js';
import { INT4, type Range, type SqlType, TEXT } from '../../types/sql-type.js';
import { isNumeric, type Value } from '../../types/value.js';
import { bindBatchColumns, bindMergedColumns } from './columns.js';
import { SliceContext } from './context.js';
import { Emitter } from './emitter.js';
import { nullable } from './test-values.js';
import { TestMemory } from './testing.js';
import { storeVal } from './value-ops.js';

const BYTES: Partial<Record<Encoding, number>> = {
  i8: 1,
  i16: 2,
  i32: 4,
  i64: 8,
  f32: 4,
  f64: 8,
  i128: 16,
  dict8: 1,
  dict16: 2,
  dict32: 4,
};

/** Lays a batch of one column out as storage and motions do. */
function writeBatch(m: TestMemory, encoding: Encoding, values: readonly Value[], withNulls: boolean): number {
  const { view } = m;
  const batch = m.alloc(BATCH_HEADER_BYTES + BATCH_COLUMN_BYTES);
  const at = batch + BATCH_HEADER_BYTES;
  m.u8.fill(0, batch, at + BATCH_COLUMN_BYTES);
  view.setUint32(batch, values.length, true);
  view.setUint32(batch + 4, 1, true);
  view.setUint32(at + 12, ENCODING_CODE[encoding], true);
  if (withNulls) {
    const bits = m.alloc(Math.ceil(values.length / 8));
    values.forEach((v, i) => {
      if (i % 8 === 0) m.u8[bits + (i >> 3)] = 0;
      if (v !== null) m.u8[bits + (i >> 3)] |= 1 << (i & 7);
    });
    view.setUint32(at + 4, bits, true);
  }
  const text = (s: string): Uint8Array => new TextEncoder().encode(s);
  if (encoding === 'utf8') {
    const offsets = m.alloc((values.length + 1) * 4);
    const all = values.map((v) => text((v as string | null) ?? ''));
    const data = m.alloc(all.reduce((n, b) => n + b.length, 1));
    let end = 0;
    view.setUint32(offsets, 0, true);
    all.forEach((b, i) => {
      m.u8.set(b, data + end);
      end += b.length;
      view.setUint32(offsets + (i + 1) * 4, end, true);
    });
    view.setUint32(at, data, true);
    view.setUint32(at + 8, offsets, true);
    return batch;
  }
  const size = BYTES[encoding]!;
  const data = m.alloc(values.length * size);
  view.setUint32(at, data, true);
  if (encoding.startsWith('dict')) {
    const entries = [...new Set(values.filter((v) => v !== null))] as string[];
    const refs = m.alloc(Math.max(1, entries.length) * 8);
    entries.forEach((s, i) => {
      m.write(refs + i * 8, TEXT, 'str', s);
    });
    view.setUint32(at + 8, refs, true);
    view.setUint32(at + 16, entries.length, true);
    values.forEach((v, i) => {
      // A null's code points beyond the dictionary.
      const code = v === null ? 255 : entries.indexOf(v as string);
      if (size === 1) view.setUint8(data + i, code);
      else if (size === 2) view.setUint16(data + i * 2, code, true);
      else view.setUint32(data + i * 4, code, true);
    });
    return batch;
  }
  values.forEach((v, i) => {
    const to = data + i * size;
    if (encoding === 'f32') view.setFloat32(to, (v as number) ?? 0, true);
    else if (encoding === 'f64') view.setFloat64(to, (v as number) ?? 0, true);
    else {
      const n = v === null ? 0n : isNumeric(v) && 'unscaled' in v ? v.unscaled : BigInt(v as number);
      if (size === 1) view.setInt8(to, Number(n));
      else if (size === 2) view.setInt16(to, Number(n), true);
      else if (size === 4) view.setInt32(to, Number(n), true);
      else {
        view.setBigInt64(to, BigInt.asIntN(64, n), true);
        if (size === 16) view.setBigInt64(to + 8, n >> 64n, true);
      }
    }
  });
  return batch;
}

/** Reads the column back through generated code, row by row, with bases hoisted or loaded for each row. */
function readBack(
  type: SqlType,
  range: Range | undefined,
  layout: ColumnLayout,
  values: readonly Value[],
  bitmap: boolean,
): Value[][] {
  const column: Column = { id: 1 as ColId, name: 'c', type, nullable: true, ...(range ? { range } : {}) };
  return [false, true].map((merged) => {
    const ctx = new SliceContext();
    const f = ctx.module.func(['i32', 'i32', 'i32', 'i32', 'i32'], [], 'run');
    const e = new Emitter(ctx, f);
    const [, , batch, row, out] = f.params;
    if (merged) bindMergedColumns(e, batch, row, [column], [layout]);
    else bindBatchColumns(e, batch, row, [column], [layout]).prologue();
    const v = e.column(column.id);
    f.get(out);
    e.pushNull(v).mem('i32.store');
    storeVal(e, out, 8, v);
    const m = new TestMemory();
    for (const d of ctx.data) m.u8.set(d.bytes, 65536 + d.offset);
    const instance = new WebAssembly.Instance(new WebAssembly.Module(ctx.module.encode()), {
      env: { memory: m.memory },
      host: { alloc: () => 0, free: () => undefined, fail: () => undefined, call: () => 0 },
    } as WebAssembly.Imports);
    const run = instance.exports.run as (...args: number[]) => void;
    const address = writeBatch(m, layout.encoding, values, bitmap);
    const to = m.alloc(32);
    return values.map((_, i) => {
      run(65536, 131072, address, i, to);
      return m.view.getInt32(to, true) !== 0 ? null : m.read(to + 8, v.type, v.repr);
    });
  });
}

function check(type: SqlType, encoding: Encoding, value: fc.Arbitrary<Value>, range?: Range): void {
  for (const bitmap of [false, true])
    for (const canBeNull of [false, true]) {
      if (bitmap && !canBeNull) continue;
      const [values] = fc.sample(
        fc.array(bitmap ? nullable(value) : value, { minLength: 1, maxLength: 40 }),
        1,
      );
      for (const got of readBack(type, range, { encoding, nullable: canBeNull }, values, bitmap))
        expect([encoding, type, got]).toEqual([encoding, type, values]);
    }
}

test('integers of every width', () => {
  const fits = (bits: number): fc.Arbitrary<Value> =>
    fc.integer({ min: -(2 ** (bits - 1)), max: 2 ** (bits - 1) - 1 });
  for (const [encoding, bits] of [
    ['i8', 8],
    ['i16', 16],
    ['i32', 32],
  ] as const) {
    check(INT4, encoding, fits(bits));
    check({ kind: 'date' }, encoding, fits(bits));
    check(
      { kind: 'int8' },
      encoding,
      fits(bits).map((v) => BigInt(v as number)),
    );
  }
  check({ kind: 'int8' }, 'i64', fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n }));
  check({ kind: 'bool' }, 'i8', fc.boolean());
  check({ kind: 'oid' }, 'i64', fc.integer({ min: 0, max: 4294967295 }));
});

test('numerics are loaded to 64 bits from whatever they are stored in, when they fit', () => {
  const type: SqlType = { kind: 'numeric', precision: 38, scale: 3 };
  const of = (bits: bigint): fc.Arbitrary<Value> =>
    fc
      .bigInt({ min: -(1n << (bits - 1n)), max: (1n << (bits - 1n)) - 1n })
      .map((unscaled) => ({ unscaled, scale: 3 }));
  for (const [encoding, bits] of [
    ['i8', 8n],
    ['i16', 16n],
    ['i32', 32n],
    ['i64', 64n],
    ['i128', 120n],
  ] as const)
    check(type, encoding, of(bits));
  check(type, 'i128', of(50n), { min: -(1n << 60n), max: 1n << 60n });
  // A segment without the large values that the table has elsewhere.
  const elsewhere: Range = { min: 1000n, max: 1n << 80n };
  for (const got of readBack(type, elsewhere, { encoding: 'i8', nullable: true }, [null, null], true))
    expect(got).toEqual([null, null]);
  check({ kind: 'numeric', precision: 60, scale: 3 }, 'i128', of(128n));
});

test('floats, strings, dictionaries and intervals', () => {
  check(
    { kind: 'float4' },
    'f32',
    fc.float({ noNaN: true }).map((v) => v + 0),
  );
  check(
    { kind: 'float8' },
    'f64',
    fc.double({ noNaN: true }).map((v) => v + 0),
  );
  const text = fc.oneof(fc.constant(''), fc.string({ unit: 'grapheme', maxLength: 12 }));
  check(TEXT, 'utf8', text);
  for (const encoding of ['dict8', 'dict16', 'dict32'] as const) check(TEXT, encoding, text);
});

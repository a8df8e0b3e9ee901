/** Runs generated code in tests: one thread, one shared memory, the imports that workers have. */
import type { Expr } from '../../plan/expr.js';
import type { ColId } from '../../types/ids.js';
import { SqlError } from '../../types/sql-error.js';
import { type Range, type Repr, reprOf, type SqlType } from '../../types/sql-type.js';
import { isInterval, isNumeric, type Value } from '../../types/value.js';
import { decodeVarNumeric, encodeVarNumeric } from '../../types/var-numeric.js';
import type { EvalSettings } from '../api.js';
import { FAIL, WS } from '../layout.js';
import type { Local } from '../wasm/module-builder.js';
import { SliceContext } from './context.js';
import { Emitter } from './emitter.js';
import { makeHostImports } from './host-calls.js';
import type { Val } from './val.js';
import { coerceRepr, loadVal, storeVal } from './value-ops.js';

export const TEST_SETTINGS: EvalSettings = {
  nowMicros: 1_600_000_000_000_000n,
  timeZone: 'UTC',
  dateStyle: 'ISO, MDY',
  intervalStyle: 'postgres',
  extraFloatDigits: 1,
  user: 'me',
  database: 'db',
  searchPath: ['public'],
};

const CODES: Record<number, string> = {
  [FAIL.divisionByZero]: '22012',
  [FAIL.cancelled]: '57014',
  [FAIL.dateOutOfRange]: '22008',
  [FAIL.timestampOutOfRange]: '22008',
};

/** The whole memory is pool-less: state blocks at fixed places, allocations from a bump pointer. */
const QS_AT = 65536;
export const WS_AT = 262144;
const ROW_AT = 393216;
const HEAP_AT = 524288;
export const SLOT = 32;

export class TestMemory {
  readonly memory = new WebAssembly.Memory({ initial: 256, maximum: 65536, shared: true });
  readonly u8 = new Uint8Array(this.memory.buffer);
  readonly view = new DataView(this.memory.buffer);
  next = HEAP_AT;
  allocs = 0;

  alloc(bytes: number): number {
    const at = this.next;
    this.next += (bytes + 63) & ~63;
    if (this.next > this.u8.length) throw new Error('test memory exhausted');
    this.allocs++;
    return at;
  }

  /** Writes a value at `at`, as `storeVal` would. */
  write(at: number, type: SqlType, repr: Repr, v: Value): void {
    const { view } = this;
    if (v === null) {
      // Garbage, as after an outer join or in a null slot.
      view.setBigInt64(at, 0x7fffffff_fffffff5n, true);
      view.setBigInt64(at + 8, -1n, true);
      return;
    }
    if (repr === 'i32') view.setInt32(at, Number(v), true);
    else if (repr === 'f32') view.setFloat32(at, v as number, true);
    else if (repr === 'f64') view.setFloat64(at, v as number, true);
    else if (repr === 'interval' && isInterval(v)) {
      view.setBigInt64(at, v.micros, true);
      view.setInt32(at + 8, v.days, true);
      view.setInt32(at + 12, v.months, true);
    } else if (repr === 'str') {
      const bytes = isNumeric(v)
        ? encodeVarNumeric(v)
        : v instanceof Uint8Array
          ? v
          : new TextEncoder().encode(v as string);
      const to = this.alloc(Math.max(1, bytes.length));
      this.u8.set(bytes, to);
      view.setUint32(at, to, true);
      view.setUint32(at + 4, bytes.length, true);
    } else {
      const n = isNumeric(v) && 'unscaled' in v ? v.unscaled : BigInt(v as number);
      view.setBigInt64(at, BigInt.asIntN(64, n), true);
      if (repr === 'i128') view.setBigInt64(at + 8, n >> 64n, true);
    }
    void type;
  }

  read(at: number, type: SqlType, repr: Repr): Value {
    const { view } = this;
    const start = view.getUint32(at, true);
    const end = start + view.getUint32(at + 4, true);
    switch (repr) {
      case 'i32':
        if (type.kind === 'bool') return view.getInt32(at, true) === 1;
        return type.kind === 'oid' ? view.getUint32(at, true) : view.getInt32(at, true);
      case 'f32':
        return view.getFloat32(at, true);
      case 'f64':
        return view.getFloat64(at, true);
      case 'interval':
        return {
          micros: view.getBigInt64(at, true),
          days: view.getInt32(at + 8, true),
          months: view.getInt32(at + 12, true),
        };
      case 'str':
        if (type.kind === 'numeric') return decodeVarNumeric(this.u8, start, end);
        if (type.kind === 'bytea') return this.u8.slice(start, end);
        return Buffer.from(this.u8.slice(start, end)).toString('utf8');
      case 'i64':
      case 'i128': {
        const low = view.getBigInt64(at, true);
        const n = repr === 'i64' ? low : (view.getBigInt64(at + 8, true) << 64n) | BigInt.asUintN(64, low);
        return type.kind === 'numeric' ? { unscaled: n, scale: type.scale ?? 0 } : n;
      }
    }
  }
}

export type TestColumn = { readonly type: SqlType; readonly range?: Range; readonly nullable: boolean };
export type Compiled = {
  /** The result for one row; errors are thrown. */
  readonly run: (row: readonly Value[]) => Value;
  readonly memory: TestMemory;
  readonly bytes: number;
  /** The type and register the generator chose. */
  readonly result: Val;
  readonly ctx: SliceContext;
};

export function testColumn(i: number, c: TestColumn): Expr {
  return { kind: 'col', id: i as ColId, type: c.type, nullable: c.nullable };
}

/** A function over one row at ROW_AT: null flag (i32) of column i at i * SLOT, its value at + 8. */
export function compileRow(
  columns: readonly TestColumn[],
  body: (e: Emitter, row: Local) => Val,
  ctx = new SliceContext(),
): Compiled {
  const f = ctx.module.func(['i32', 'i32', 'i32', 'i32'], [], 'run');
  const e = new Emitter(ctx, f);
  const [, , row, out] = f.params;
  columns.forEach((c, i) => {
    e.bind(
      i as ColId,
      () => {
        const v = loadVal(e, row, i * SLOT + 8, reprOf(c.type, c.range), c.type, c.range);
        if (!c.nullable) return v;
        f.get(row).mem('i32.load', i * SLOT);
        return { ...v, isNull: e.save('i32') };
      },
      c,
    );
  });
  const v = body(e, row);
  f.get(out);
  e.pushNull(v).mem('i32.store');
  storeVal(e, out, 8, v);
  const bytes = ctx.module.encode();
  const memory = new TestMemory();
  for (const d of ctx.data) memory.u8.set(d.bytes, QS_AT + d.offset);
  const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), {
    env: { memory: memory.memory },
    host: {
      alloc: (_qs: number, n: number) => memory.alloc(n),
      free: () => undefined,
      fail: (n: number) => {
        throw new SqlError(CODES[n] ?? '22003', `fail ${n}`);
      },
      ...makeHostImports(ctx.hostCalls, memory, TEST_SETTINGS, ctx.functions),
    },
  } as WebAssembly.Imports);
  const run = instance.exports.run as (qs: number, ws: number, row: number, out: number) => void;
  const outAt = ROW_AT + columns.length * SLOT;
  return {
    memory,
    bytes: bytes.length,
    result: v,
    ctx,
    run(row) {
      memory.next = HEAP_AT;
      for (const slot of [WS.tempNext, WS.tempEnd, WS.tempStart, WS.arenaNext, WS.arenaEnd])
        memory.view.setUint32(WS_AT + slot, 0, true);
      columns.forEach((c, i) => {
        const at = ROW_AT + i * SLOT;
        memory.view.setInt32(at, row[i] === null ? 1 : 0, true);
        memory.write(at + 8, c.type, reprOf(c.type, c.range), row[i]);
      });
      memory.u8.fill(0xee, outAt, outAt + SLOT);
      run(QS_AT, WS_AT, ROW_AT, outAt);
      if (memory.view.getInt32(outAt, true) !== 0) return null;
      return memory.read(outAt + 8, v.type, v.repr);
    },
  };
}

/** An expression over one row; `repr` brings the result to a register as a consumer would. */
export function compileExpr(
  columns: readonly TestColumn[],
  expr: Expr,
  options: { readonly repr?: Repr; readonly ctx?: SliceContext } = {},
): Compiled {
  return compileRow(
    columns,
    (e) => {
      const v = e.emit(expr);
      return options.repr === undefined ? v : coerceRepr(e, v, options.repr);
    },
    options.ctx,
  );
}

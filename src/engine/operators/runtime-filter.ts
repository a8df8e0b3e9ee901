/** Runtime filters in compiled code: bits that the build side of a join sets and scans of its probe side test.
 *
 *  Owns: the meaning of a bit (see `RuntimeFilter` in plan/physical.ts), the place of the bits, their tests one row or
 *  eight rows at a time. An integer beyond the bits has none; its index is taken modulo their number all the same, a
 *  power of two, so that no test reads elsewhere, whatever lies behind a column. Of integers by hash the least and the
 *  greatest are kept for zone maps. Set by one worker, or by all with atomic OR; tested only by pipelines that start when
 *  the build is finished, or when the filter has come from the receivers of the slice's rows. */
import type { Column } from '../../plan/expr.js';
import type { NodeId, RuntimeFilter, RuntimeFilterUse } from '../../plan/physical.js';
import { FILTER_BOUNDS_BYTES } from '../../types/filter-bits.js';
import { SqlError } from '../../types/sql-error.js';
import type { Range } from '../../types/sql-type.js';
import type { Emitter } from '../codegen/emitter.js';
import type { Val } from '../codegen/val.js';
import { hashVals } from '../codegen/value-ops.js';
import type { FunctionBuilder, Local } from '../wasm/module-builder.js';
import type { Pipeline, SliceCompiler } from './pipeline.js';
import { intervalTest, type LaneTest, pushAddress, type VectorColumn } from './vector-filter.js';

/** Offsets in the filter's part of the query state. Bounds are i64, those of an empty filter cross. */
export const FILTER = { bits: 0, min: 8, max: 16, bytes: 24 } as const;

const MIN_I64 = -(1n << 63n);
const MAX_I64 = (1n << 63n) - 1n;

export class FilterCode {
  readonly filter: RuntimeFilter;
  /** In the query state. */
  readonly slot: number;
  /** The pipeline after which the bits are complete. */
  ready: number | undefined;
  private readonly c: SliceCompiler;

  constructor(c: SliceCompiler, filter: RuntimeFilter) {
    this.c = c;
    this.filter = filter;
    this.slot = c.ctx.allocQs(FILTER.bytes);
  }

  /** Once, before the first `insert`. */
  allocate(e: Emitter): void {
    const { f, qs } = e;
    const bytes = this.filter.bits / 8;
    const at = f.local('i32');
    f.get(qs).i32(bytes).call(this.c.ctx.host.alloc).tee(at);
    f.i32(0).i32(bytes).memoryFill();
    f.get(qs)
      .get(at)
      .mem('i32.store', this.slot + FILTER.bits);
    f.get(qs)
      .i64(MAX_I64)
      .mem('i64.store', this.slot + FILTER.min);
    f.get(qs)
      .i64(MIN_I64)
      .mem('i64.store', this.slot + FILTER.max);
    f.release(at);
  }

  /** Before a loop that sets or tests bits: leaves their address in a local. */
  open(e: Emitter): Local {
    const bits = e.f.local('i32');
    e.f
      .get(e.qs)
      .mem('i32.load', this.slot + FILTER.bits)
      .set(bits);
    return bits;
  }

  /** A key that is not null. */
  insert(e: Emitter, bits: Local, key: Val, atomic: boolean): void {
    const { f } = e;
    const index = this.index(e, key);
    const word = f.local('i32');
    const mask = f.local('i32');
    this.pushWordAddress(f, bits, index);
    f.set(word);
    this.pushMask(f, index);
    f.set(mask);
    f.get(word).mem('i32.load').get(mask).op('i32.and').get(mask).op('i32.ne');
    f.if(() => {
      if (atomic) f.get(word).get(mask).mem('i32.atomic.rmw.or').op('drop');
      else f.get(word).get(word).mem('i32.load').get(mask).op('i32.or').mem('i32.store');
    });
    if (this.keepsBounds(key)) this.widen(e, key, atomic);
    f.release(word);
    f.release(mask);
  }

  /** Leaves i32: not zero when the key may be among the values. */
  test(e: Emitter, bits: Local, key: Val): void {
    const { f } = e;
    const index = this.index(e, key);
    this.pushWordAddress(f, bits, index);
    f.mem('i32.load');
    if (this.filter.kind === 'range') {
      f.get(index).op('i32.shr_u').i32(1).op('i32.and');
      if (!this.covers(key.range)) {
        e.push(key.parts[0]);
        if (key.repr === 'i32') f.op('i64.extend_i32_s');
        f.i64(this.filter.min).op('i64.sub').i64(BigInt(this.filter.bits)).op('i64.lt_u').op('i32.and');
      }
      return;
    }
    const mask = f.local('i32');
    this.pushMask(f, index);
    f.tee(mask).op('i32.and').get(mask).op('i32.eq');
    f.release(mask);
  }

  /** Whether every value of the range has a bit. */
  covers(range: Range | undefined): boolean {
    const { min, bits } = this.filter;
    return range !== undefined && range.min >= min && range.max < min + BigInt(bits);
  }

  /** Leaves eight bits for the eight rows from `base` on: those that may pass, if their values have a bit. `range`
   *  only. */
  testEight(f: FunctionBuilder, bits: Local, v: VectorColumn, base: Local): void {
    const at = f.local('i32');
    const index = f.local('i32');
    pushAddress(f, v, base).set(at);
    const load = v.bytes === 4 ? 'i32.load' : v.bytes === 2 ? 'i32.load16_s' : 'i32.load8_s';
    for (let lane = 0; lane < 8; lane++) {
      f.get(at).mem(load, lane * v.bytes);
      this.reduce(f);
      f.set(index);
      this.pushWordAddress(f, bits, index);
      f.mem('i32.load').get(index).op('i32.shr_u').i32(1).op('i32.and');
      if (lane > 0) f.i32(lane).op('i32.shl').op('i32.or');
    }
    f.release(at);
    f.release(index);
  }

  /** Of `range`: the number of the bit. Of `hash`: the hash. */
  private index(e: Emitter, key: Val): Local {
    const { f } = e;
    if (this.filter.kind === 'hash') return hashVals(e, [{ ...key, isNull: undefined }]);
    e.push(key.parts[0]);
    if (key.repr !== 'i32') f.op('i32.wrap_i64');
    this.reduce(f);
    return e.save('i32');
  }

  private reduce(f: FunctionBuilder): void {
    const min = Number(BigInt.asIntN(32, this.filter.min));
    if (min !== 0) f.i32(min).op('i32.sub');
    f.i32(this.filter.bits - 1).op('i32.and');
  }

  private pushWordAddress(f: FunctionBuilder, bits: Local, index: Local): void {
    f.get(bits).get(index);
    if (this.filter.kind === 'range') f.i32(3).op('i32.shr_u').i32(-4).op('i32.and');
    else {
      // The top bits choose the word; the lowest ten the two bits in it.
      const words = Math.log2(this.filter.bits) - 5;
      f.i32(32 - words)
        .op('i32.shr_u')
        .i32(2)
        .op('i32.shl');
    }
    f.op('i32.add');
  }

  private pushMask(f: FunctionBuilder, index: Local): void {
    f.i32(1).get(index).op('i32.shl');
    if (this.filter.kind === 'hash') f.i32(1).get(index).i32(5).op('i32.shr_u').op('i32.shl').op('i32.or');
  }

  private keepsBounds(key: Val): boolean {
    return this.filter.kind === 'hash' && (key.repr === 'i32' || key.repr === 'i64');
  }

  private widen(e: Emitter, key: Val, atomic: boolean): void {
    const { f, qs } = e;
    const value = f.local('i64');
    const seen = f.local('i64');
    e.push(key.parts[0]);
    if (key.repr === 'i32') f.op('i64.extend_i32_s');
    f.set(value);
    for (const [at, beyond] of [
      [this.slot + FILTER.min, 'i64.lt_s'],
      [this.slot + FILTER.max, 'i64.gt_s'],
    ] as const) {
      if (!atomic) {
        f.get(value).get(qs).mem('i64.load', at).op(beyond);
        f.if(() => f.get(qs).get(value).mem('i64.store', at));
        continue;
      }
      f.get(qs).mem('i64.atomic.load', at).set(seen);
      f.block((done) => {
        f.loop((again) => {
          f.get(value).get(seen).op(beyond).op('i32.eqz').brIf(done);
          f.get(qs).get(seen).get(value).mem('i64.atomic.rmw.cmpxchg', at);
          const before = e.local('i64');
          f.tee(before).get(seen).op('i64.eq').brIf(done);
          f.get(before).set(seen).br(again);
        });
      });
    }
    f.release(value);
    f.release(seen);
  }
}

/** Filters of the slice by their id: made by the joins, which are compiled before what is on their probe side. */
export type Filters = Map<NodeId, FilterCode>;

type OpenUse = {
  readonly code: FilterCode;
  readonly use: RuntimeFilterUse;
  readonly bits: Local;
  /** In the worker state: i64, rows removed. */
  readonly removed: number | undefined;
};

/** Share of the rows that must be left for eight tests at once to cost less than those of the rows that are left. */
const MANY = 0.3;

/** Opens the filters of a scan: what SIMD left is tested eight rows at a time where that can be; the others come back
 *  as tests of a row, each leaving i32. `passing`: share of the rows that the scan's own vector tests let pass. */
export function openFilters(
  p: Pipeline,
  c: SliceCompiler,
  uses: readonly RuntimeFilterUse[],
  columns: readonly Column[],
  passing: number,
): readonly (() => void)[] {
  const single: (() => void)[] = [];
  let left = passing;
  for (const use of uses) {
    const code = codeOf(c, use);
    if (code.ready !== undefined) p.deps.add(code.ready);
    else p.awaits.push({ filter: use.filter, slot: code.slot });
    const open: OpenUse = { code, use, bits: code.open(p.e), removed: removedCounter(c, use) };
    const v = p.vectors.get(use.column.id);
    if (v !== undefined && use.filter.kind === 'range' && left > MANY) p.laneTests.push(laneTest(p, open, v));
    else single.push(() => rowTest(p, open));
    left *= use.passing;
    if (comparesWithZones(use))
      p.sourceFilters.push({
        filter: use.filter,
        slot: code.slot,
        column: columns.findIndex((x) => x.id === use.column.id),
        node: use.id,
      });
  }
  if (single.length + p.laneTests.length > 0) p.labels.splice(1, 0, 'runtime filter');
  return single;
}

/** Zone maps hold the very integers that the filter was made of. */
function comparesWithZones({ filter, column }: RuntimeFilterUse): boolean {
  const { kind } = column.type;
  if (filter.kind === 'range') return true;
  return (
    kind === 'int2' || kind === 'int4' || kind === 'int8' || kind === 'date' || kind.startsWith('timestamp')
  );
}

type Views = { readonly u8: Uint8Array; readonly u32: Uint32Array; readonly i64: BigInt64Array };

/** The filter at `slot` of the query state, complete, as it travels (types/filter-bits.ts). */
export function packFilter(memory: Views, at: number, filter: RuntimeFilter): Uint8Array {
  const bytes = new Uint8Array(FILTER_BOUNDS_BYTES + filter.bits / 8);
  const bounds = new DataView(bytes.buffer);
  bounds.setBigInt64(0, memory.i64[(at + FILTER.min) / 8]!, true);
  bounds.setBigInt64(8, memory.i64[(at + FILTER.max) / 8]!, true);
  const bits = memory.u32[(at + FILTER.bits) >>> 2]!;
  bytes.set(memory.u8.subarray(bits, bits + filter.bits / 8), FILTER_BOUNDS_BYTES);
  return bytes;
}

/** The way back; `bits`: address of as many bits as the filter has. */
export function unpackFilter(
  memory: Views,
  at: number,
  filter: RuntimeFilter,
  bytes: Uint8Array,
  bits: number,
): void {
  if (bytes.length !== FILTER_BOUNDS_BYTES + filter.bits / 8)
    throw new SqlError('08P01', `a filter of ${filter.bits} bits came as ${bytes.length} bytes`);
  const bounds = new DataView(bytes.buffer, bytes.byteOffset);
  memory.i64[(at + FILTER.min) / 8] = bounds.getBigInt64(0, true);
  memory.i64[(at + FILTER.max) / 8] = bounds.getBigInt64(8, true);
  memory.u8.set(bytes.subarray(FILTER_BOUNDS_BYTES), bits);
  memory.u32[(at + FILTER.bits) >>> 2] = bits;
}

/** Whether a value within the bounds may be in the filter at `slot` of the query state, complete. */
export function filterMayMatch(
  memory: { readonly u32: Uint32Array; readonly i64: BigInt64Array },
  at: number,
  filter: RuntimeFilter,
  min: bigint,
  max: bigint,
): boolean {
  if (filter.kind === 'hash')
    return memory.i64[(at + FILTER.min) / 8]! <= max && memory.i64[(at + FILTER.max) / 8]! >= min;
  const last = filter.min + BigInt(filter.bits) - 1n;
  const from = Number((min > filter.min ? min : filter.min) - filter.min);
  const to = Number((max < last ? max : last) - filter.min);
  const words = memory.u32[(at + FILTER.bits) >>> 2]! >>> 2;
  for (let i = from; i <= to; i += 32 - (i & 31)) {
    const left = to - i + 1;
    const mask = (0xffffffff << (i & 31)) & (left + (i & 31) >= 32 ? -1 : (1 << (left + (i & 31))) - 1);
    if ((memory.u32[words + (i >>> 5)]! & mask) !== 0) return true;
  }
  return false;
}

/** Of a join of this slice, or one that comes from the receivers of its rows. */
function codeOf(c: SliceCompiler, { filter, from }: RuntimeFilterUse): FilterCode {
  let code = c.filters.get(filter.id);
  if (code !== undefined) return code;
  if (from === undefined) throw new Error(`no join makes filter ${filter.id}`);
  code = new FilterCode(c, filter);
  c.filters.set(filter.id, code);
  return code;
}

function removedCounter(c: SliceCompiler, use: RuntimeFilterUse): number | undefined {
  if (!c.env.instrument) return undefined;
  const offset = c.ctx.allocWs(8);
  c.counters.push({ node: use.id, offset });
  return offset;
}

/** Clears the bits of rows that do not pass. */
function laneTest(p: Pipeline, { code, bits, removed }: OpenUse, v: VectorColumn): LaneTest {
  const { min, bits: size } = code.filter;
  const within = code.covers(v.range) ? undefined : intervalTest(p, v, { min, max: min + BigInt(size) - 1n });
  return (base: Local, rows: Local): void => {
    const { f } = p;
    if (removed !== undefined) {
      f.get(p.ws).get(p.ws).mem('i64.load', removed);
      f.get(rows).op('i32.popcnt').op('i64.extend_i32_u').op('i64.add').mem('i64.store', removed);
    }
    const bitsOfEight = (): void => {
      code.testEight(f, bits, v, base);
      f.get(rows).op('i32.and').set(rows);
    };
    if (within === undefined) bitsOfEight();
    else {
      within(base);
      f.op('i16x8.bitmask').get(rows).op('i32.and').tee(rows).if(bitsOfEight);
    }
    if (removed === undefined) return;
    f.get(p.ws).get(p.ws).mem('i64.load', removed);
    f.get(rows).op('i32.popcnt').op('i64.extend_i32_u').op('i64.sub').mem('i64.store', removed);
  };
}

function rowTest(p: Pipeline, { code, use, bits, removed }: OpenUse): void {
  const { e, f } = p;
  const { column } = use;
  const key = e.emit({ kind: 'col', id: column.id, type: column.type, nullable: column.nullable });
  if (key.isNull === undefined) code.test(e, bits, key);
  else {
    e.push(key.isNull);
    f.if(
      () => f.i32(0),
      () => e.scoped(() => code.test(e, bits, key)),
      'i32',
    );
  }
  if (removed === undefined) return;
  const passes = e.save('i32');
  f.get(p.ws).get(p.ws).mem('i64.load', removed);
  f.get(passes).op('i32.eqz').op('i64.extend_i32_u').op('i64.add').mem('i64.store', removed);
  f.get(passes);
}

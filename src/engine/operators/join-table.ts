/** The directory of a hash join: from key to a chain of build rows. One of two, chosen when the rows are counted:
 *
 *  - by hash: an array of i64, 2 to 4 per row: low half = address of the first row of the chain, high half = a 32-bit
 *    Bloom filter of the hashes in it, so that most misses cost one load (Leis et al., "Morsel-driven parallelism",
 *    SIGMOD 2014). Index = top bits of the hash, filter bit = its lowest five.
 *  - by value, for a single integer key whose guaranteed range is at most sixteen times the rows: an array of addresses.
 *
 *  Built by one worker for few rows, else block by block by all, with atomic exchange. */
import type { Emitter } from '../codegen/emitter.js';
import type { Val } from '../codegen/val.js';
import { hashVals } from '../codegen/value-ops.js';
import type { Func, Local } from '../wasm/module-builder.js';
import type { Pipeline, SliceCompiler } from './pipeline.js';
import { rangeIndex } from './range-index.js';
import type { Field, RowLayout } from './row-layout.js';
import { eachEntry, eachRow, type RowStore } from './row-store.js';
import type { FilterCode } from './runtime-filter.js';
import { TOUCH_BYTES_MIN, type Touch } from './staged-loop.js';

/** A key that may index an array: field of the build row, its smallest value, number of values. */
export type DenseKey = { readonly field: Field; readonly min: bigint; readonly size: number };

export type RowKeys = {
  /** Told of each row that can match something, after `allocate` has run. */
  readonly filters: readonly { readonly code: FilterCode; readonly key: (e: Emitter, row: Local) => Val }[];
  /** Branches by `skip` for a row that can match nothing. */
  readonly testNull: (e: Emitter, row: Local, skip: () => void) => void;
  readonly hash: (e: Emitter, row: Local) => Local;
};

export type OpenJoinTable = {
  readonly directory: Local;
  readonly shift: Local;
  readonly array: Local | undefined;
};

/** An array of four bytes a value walks its memory in the order of the keys, and stored tables are often in it; a directory jumps
 *  about. Sixteen is where a share of half the orders on one of two segments still has an array. */
const DENSE_SLACK = 16n;
const DENSE_ALWAYS = 4096n;
export const DENSE_MAX = 1 << 26;
const SERIAL_ROWS = 32_768;
const MAX_BITS = 28;
/** Directories of at least 2^17 entries: a megabyte, and as much of rows. */
const DIRECTORY_LARGE_SHIFT = 15;

export class JoinTable {
  /** In the query state: list of blocks (address, count), then a word each. */
  readonly list: number;
  readonly rows: number;
  /** Chain of the rows with a null key, where those are asked for. */
  readonly nullRows: number;
  private readonly directory: number;
  private readonly shift: number;
  /** Address of the array by value; 0 = there is a directory. */
  private readonly array: number;
  private readonly parts: number;
  private readonly c: SliceCompiler;
  private readonly layout: RowLayout;
  private readonly dense: DenseKey | undefined;

  constructor(c: SliceCompiler, layout: RowLayout, dense: DenseKey | undefined) {
    const at = c.ctx.allocQs(32);
    this.list = at;
    this.directory = at + 8;
    this.shift = at + 12;
    this.rows = at + 16;
    this.nullRows = at + 20;
    this.parts = at + 24;
    this.array = at + 28;
    this.c = c;
    this.layout = layout;
    this.dense = dense;
  }

  /** Finish steps that build the directory. With `keepNulls`, rows with a null key are chained at `nullRows`. */
  steps(
    store: RowStore,
    keys: RowKeys,
    keepNulls: boolean,
  ): {
    readonly steps: readonly string[];
    readonly parallel: { readonly run: string; readonly partsSlot: number } | undefined;
  } {
    const { c, dense } = this;
    // The chain of null rows has no atomic insertion: one worker at a time, then.
    const parallel = c.env.workers > 1 && !keepNulls;
    const serialInsert = this.insertFunction(keys, keepNulls, false);
    const build = c.finishStep((e) => {
      const { f, qs } = e;
      const total = f.local('i32');
      const bits = f.local('i32');
      const at = f.local('i32');
      store.collect(e, this.list);
      f.set(total);
      f.get(qs).get(total).mem('i32.store', this.rows);
      for (const { code } of keys.filters) code.allocate(e);
      const allocate = (slot: number, pushBytes: () => void): void => {
        f.get(qs);
        pushBytes();
        f.call(c.ctx.host.alloc).set(at);
        f.get(at).i32(0);
        pushBytes();
        f.memoryFill().get(qs).get(at).mem('i32.store', slot);
      };
      const byHash = (): void => {
        f.i32(33).get(total).i32(1).op('i32.or').op('i32.clz').op('i32.sub').set(bits);
        f.get(bits).i32(MAX_BITS).op('i32.gt_u');
        f.if(() => f.i32(MAX_BITS).set(bits));
        allocate(this.directory, () => f.i32(8).get(bits).op('i32.shl'));
        f.get(qs).i32(32).get(bits).op('i32.sub').mem('i32.store', this.shift);
      };
      if (dense) {
        f.i64(BigInt(dense.size));
        f.get(total).op('i64.extend_i32_u').i64(DENSE_SLACK).op('i64.mul').i64(DENSE_ALWAYS).op('i64.add');
        f.op('i64.le_u').if(() => allocate(this.array, () => f.i32(dense.size * 4)), byHash);
      } else byHash();
      if (parallel) {
        f.get(total).i32(SERIAL_ROWS).op('i32.gt_u');
        f.if(() => {
          f.get(qs)
            .get(qs)
            .mem('i32.load', this.list + 4);
          f.mem('i32.store', this.parts).return();
        });
      }
      eachEntry(e, this.list, (address, rows) => {
        f.get(qs).get(e.ws).get(address).get(rows).call(serialInsert);
      });
    });
    if (!parallel) return { steps: [build], parallel: undefined };
    const insert = this.insertFunction(keys, keepNulls, true);
    const run = c.parallelStep((e, part) => {
      const { f, qs } = e;
      const entry = f.local('i32');
      f.get(qs).mem('i32.load', this.list).get(part).i32(3).op('i32.shl').op('i32.add').set(entry);
      f.get(qs).get(e.ws).get(entry).mem('i32.load').get(entry).mem('i32.load', 4).call(insert);
    });
    return { steps: [build], parallel: { run, partsSlot: this.parts } };
  }

  /** (qs, ws, address, rows) */
  private insertFunction(keys: RowKeys, keepNulls: boolean, atomic: boolean): Func {
    const { dense, layout } = this;
    return this.c.func(['i32', 'i32'], [], (e, [address, rows]) => {
      const { f } = e;
      const opened = this.open(e);
      const filters = keys.filters.map((x) => ({ ...x, bits: x.code.open(e) }));
      const each = (insert: (row: Local) => void): void =>
        eachRow(e, address, rows, layout.bytes, (row) => {
          f.block((next) => {
            keys.testNull(e, row, () => {
              if (keepNulls) {
                f.get(row).get(e.qs).mem('i32.load', this.nullRows).mem('i32.store', layout.nextOffset);
                f.get(e.qs).get(row).mem('i32.store', this.nullRows);
              }
              f.br(next);
            });
            insert(row);
            for (const { code, key, bits } of filters)
              e.scoped(() => code.insert(e, bits, key(e, row), atomic));
          });
        });
      if (opened.array === undefined || dense === undefined) {
        each((row) => this.insertByHash(e, opened, keys, row, atomic));
        return;
      }
      const { array } = opened;
      f.get(array).if(
        () => each((row) => this.insertByValue(e, array, dense, row, atomic)),
        () => each((row) => this.insertByHash(e, opened, keys, row, atomic)),
      );
    });
  }

  private insertByValue(e: Emitter, array: Local, dense: DenseKey, row: Local, atomic: boolean): void {
    const { f } = e;
    const slot = f.local('i32');
    f.get(
      rangeIndex(e, { ...this.layout.load(e, row, dense.field), isNull: undefined }, dense.min, dense.size),
    );
    f.i32(2).op('i32.shl').get(array).op('i32.add').set(slot);
    f.get(row);
    if (atomic) f.get(slot).get(row).mem('i32.atomic.rmw.xchg');
    else f.get(slot).mem('i32.load');
    f.mem('i32.store', this.layout.nextOffset);
    if (!atomic) f.get(slot).get(row).mem('i32.store');
    f.release(slot);
  }

  private insertByHash(e: Emitter, opened: OpenJoinTable, keys: RowKeys, row: Local, atomic: boolean): void {
    const { f } = e;
    const slot = f.local('i32');
    const old = f.local('i64');
    const seen = f.local('i64');
    const hash = keys.hash(e, row);
    f.get(opened.directory).get(hash).get(opened.shift).op('i32.shr_u').i32(3).op('i32.shl').op('i32.add');
    f.tee(slot)
      .mem(atomic ? 'i64.atomic.load' : 'i64.load')
      .set(old);
    const pushEntry = (): void => {
      f.get(row).op('i64.extend_i32_u').get(old).i64(-4294967296n).op('i64.and').op('i64.or');
      f.i64(1n << 32n)
        .get(hash)
        .i32(31)
        .op('i32.and')
        .op('i64.extend_i32_u')
        .op('i64.shl')
        .op('i64.or');
    };
    const link = (): void => {
      f.get(row).get(old).op('i32.wrap_i64').mem('i32.store', this.layout.nextOffset);
    };
    if (!atomic) {
      link();
      f.get(slot);
      pushEntry();
      f.mem('i64.store');
    } else {
      f.loop((again) => {
        link();
        f.get(slot).get(old);
        pushEntry();
        f.mem('i64.atomic.rmw.cmpxchg').tee(seen).get(old).op('i64.ne');
        f.if(() => f.get(seen).set(old).br(again));
      });
    }
    f.release(slot);
    f.release(old);
    f.release(seen);
  }

  /** Before a loop that uses the directory. */
  open(e: Emitter): OpenJoinTable {
    const { f } = e;
    const directory = f.local('i32');
    const shift = f.local('i32');
    f.get(e.qs).mem('i32.load', this.directory).set(directory);
    f.get(e.qs).mem('i32.load', this.shift).set(shift);
    if (!this.dense) return { directory, shift, array: undefined };
    const array = f.local('i32');
    f.get(e.qs).mem('i32.load', this.array).set(array);
    return { directory, shift, array };
  }

  /** Reads the directory and the first row of the chain; `keys` emits those of the current row, whatever they are. */
  touch(p: Pipeline, opened: OpenJoinTable, keys: () => readonly Val[]): Touch {
    const { e, f } = p;
    const { array, directory, shift } = opened;
    const { dense } = this;
    const eitherWay = (byValue: (a: Local, d: DenseKey) => void, byHash: () => void): void => {
      if (array === undefined || dense === undefined) byHash();
      else
        f.get(array).if(
          () => e.scoped(() => byValue(array, dense)),
          () => e.scoped(byHash),
          'i32',
        );
    };
    return {
      large: () =>
        eitherWay(
          (_, d) => f.i32(d.size * 4 >= TOUCH_BYTES_MIN ? 1 : 0),
          () => f.get(shift).i32(DIRECTORY_LARGE_SHIFT).op('i32.le_u'),
        ),
      place:
        array === undefined
          ? undefined
          : () =>
              eitherWay(
                (_, d) => pushSafeIndex(e, keys()[0]!, d),
                // A hash goes anywhere.
                () => f.get(p.row).i32(20).op('i32.shl'),
              ),
      rounds: [
        () =>
          eitherWay(
            (a, d) => {
              f.get(a);
              pushSafeIndex(e, keys()[0]!, d);
              f.i32(2).op('i32.shl').op('i32.add').mem('i32.load');
            },
            () => {
              const hash = hashVals(e, keys());
              f.get(directory).get(hash).get(shift).op('i32.shr_u').i32(3).op('i32.shl').op('i32.add');
              f.mem('i32.load');
            },
          ),
        () => {
          const row = e.local('i32');
          const vals = keys();
          this.lookup(e, opened, vals[0]!, () => hashVals(e, vals), row);
          f.get(row).mem('i32.load');
        },
      ],
    };
  }

  /** Sets `row` to the first row of the chain for the key, 0 when it surely has none. `hash` emits the hash where it is
   *  needed. */
  lookup(e: Emitter, opened: OpenJoinTable, key: Val, hash: () => Local, row: Local): void {
    const { f } = e;
    const { dense } = this;
    const byHash = (): void => {
      const h = hash();
      f.get(opened.directory).get(h).get(opened.shift).op('i32.shr_u').i32(3).op('i32.shl').op('i32.add');
      f.mem('i64.load');
      const entry = e.save('i64');
      f.get(entry).op('i32.wrap_i64').i32(0);
      f.get(entry).i64(32n).op('i64.shr_u').op('i32.wrap_i64').get(h).i32(31).op('i32.and').op('i32.shr_u');
      f.i32(1).op('i32.and').op('select').set(row);
    };
    const { array } = opened;
    if (!dense || array === undefined) {
      byHash();
      return;
    }
    f.get(array).if(
      () =>
        e.scoped(() => {
          f.i32(0).set(row);
          const index = f.local('i32');
          const small = (): void => {
            f.get(array).get(index).i32(2).op('i32.shl').op('i32.add').mem('i32.load').set(row);
          };
          if (key.repr === 'i64') {
            e.push(key.parts[0]).i64(dense.min).op('i64.sub');
            const wide = e.save('i64');
            f.get(wide)
              .op('i32.wrap_i64')
              .set(index)
              .get(wide)
              .i64(BigInt(dense.size))
              .op('i64.lt_u')
              .if(small);
          } else {
            pushIndex(e, key, dense);
            f.tee(index).i32(dense.size).op('i32.lt_u').if(small);
          }
          f.release(index);
        }),
      () => e.scoped(byHash),
    );
  }
}

/** Leaves the key's place in the array, 0 for one that has none. */
function pushSafeIndex(e: Emitter, key: Val, dense: DenseKey): void {
  const { f } = e;
  const index = f.local('i32');
  pushIndex(e, key, dense);
  f.tee(index).i32(0).get(index).i32(dense.size).op('i32.lt_u').op('select');
  f.release(index);
}

/** Leaves the key's place in the array (only its low 32 bits: a key within the range has no others). */
function pushIndex(e: Emitter, key: Val, dense: DenseKey): void {
  e.push(key.parts[0]);
  if (key.repr === 'i64') e.f.i64(dense.min).op('i64.sub').op('i32.wrap_i64');
  else e.f.i32(Number(dense.min)).op('i32.sub');
}

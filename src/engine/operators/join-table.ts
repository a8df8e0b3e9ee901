/** The directory of a hash join: from hash to a chain of build rows.
 *
 *  An array of i64, 2 to 4 per row: low half = address of the first row of the chain, high half = a 32-bit Bloom filter of
 *  the hashes in it, so that most misses cost one load (Leis et al., "Morsel-driven parallelism", SIGMOD 2014).
 *  Index = top bits of the hash, filter bit = its lowest five. Built when all rows are stored and counted: by one
 *  worker for few rows, else block by block by all, with compare-exchange. */
import type { Emitter } from '../codegen/emitter.js';
import type { Func, Local } from '../wasm/module-builder.js';
import type { SliceCompiler } from './pipeline.js';
import type { RowLayout } from './row-layout.js';
import { eachEntry, eachRow, type RowStore } from './row-store.js';

const SERIAL_ROWS = 32_768;
const MAX_BITS = 28;

export class JoinTable {
  /** In the query state: list of blocks (address, count), directory, shift, rows, chain of rows with a null key, parts. */
  readonly list: number;
  readonly directory: number;
  readonly shift: number;
  readonly rows: number;
  readonly nullRows: number;
  private readonly parts: number;
  private readonly c: SliceCompiler;
  private readonly layout: RowLayout;

  constructor(c: SliceCompiler, layout: RowLayout) {
    const at = c.ctx.allocQs(32);
    this.list = at;
    this.directory = at + 8;
    this.shift = at + 12;
    this.rows = at + 16;
    this.nullRows = at + 20;
    this.parts = at + 24;
    this.c = c;
    this.layout = layout;
  }

  /** Finish steps that build the directory. `rowHash` leaves the row's hash, or branches to `skip` for a row that can
   *  match nothing; with `keepNulls` such rows are chained at `nullRows`. */
  steps(
    store: RowStore,
    rowHash: (e: Emitter, row: Local, skip: () => void) => Local,
    keepNulls: boolean,
  ): {
    readonly steps: readonly string[];
    readonly parallel: { readonly run: string; readonly partsSlot: number } | undefined;
  } {
    const { c } = this;
    // Rows with null keys go to one shared list: one worker at a time, then.
    const parallel = c.env.workers > 1 && !keepNulls;
    const insert = this.insertFunction(rowHash, keepNulls, false);
    const build = c.finishStep((e) => {
      const { f, qs } = e;
      const total = f.local('i32');
      const bits = f.local('i32');
      const directory = f.local('i32');
      store.collect(e, this.list);
      f.set(total);
      f.get(qs).get(total).mem('i32.store', this.rows);
      f.i32(33).get(total).i32(1).op('i32.or').op('i32.clz').op('i32.sub').set(bits);
      f.get(bits).i32(MAX_BITS).op('i32.gt_u');
      f.if(() => f.i32(MAX_BITS).set(bits));
      f.get(qs).i32(8).get(bits).op('i32.shl').call(c.ctx.host.alloc).set(directory);
      f.get(directory).i32(0).i32(8).get(bits).op('i32.shl').memoryFill();
      f.get(qs).get(directory).mem('i32.store', this.directory);
      f.get(qs).i32(32).get(bits).op('i32.sub').mem('i32.store', this.shift);
      if (parallel) {
        f.get(total).i32(SERIAL_ROWS).op('i32.gt_u');
        f.if(() => {
          f.get(qs)
            .get(qs)
            .mem('i32.load', this.list + 4)
            .mem('i32.store', this.parts);
          f.return();
        });
      }
      eachEntry(e, this.list, (address, rows) => {
        f.get(qs).get(e.ws).get(address).get(rows).call(insert);
      });
    });
    if (!parallel) return { steps: [build], parallel: undefined };
    const shared = this.insertFunction(rowHash, keepNulls, true);
    const run = c.parallelStep((e, part) => {
      const { f, qs } = e;
      const entry = f.local('i32');
      f.get(qs).mem('i32.load', this.list).get(part).i32(3).op('i32.shl').op('i32.add').set(entry);
      f.get(qs).get(e.ws).get(entry).mem('i32.load').get(entry).mem('i32.load', 4).call(shared);
    });
    return { steps: [build], parallel: { run, partsSlot: this.parts } };
  }

  /** (qs, ws, address, rows) */
  private insertFunction(
    rowHash: (e: Emitter, row: Local, skip: () => void) => Local,
    keepNulls: boolean,
    atomic: boolean,
  ): Func {
    return this.c.func(['i32', 'i32'], [], (e, [address, rows]) => {
      const { f } = e;
      const directory = f.local('i32');
      const shift = f.local('i32');
      const slot = f.local('i32');
      const old = f.local('i64');
      const seen = f.local('i64');
      f.get(e.qs).mem('i32.load', this.directory).set(directory);
      f.get(e.qs).mem('i32.load', this.shift).set(shift);
      eachRow(e, address, rows, this.layout.bytes, (row) => {
        f.block((next) => {
          const hash = rowHash(e, row, () => {
            if (keepNulls) {
              f.get(row).get(e.qs).mem('i32.load', this.nullRows).mem('i32.store', this.layout.nextOffset);
              f.get(e.qs).get(row).mem('i32.store', this.nullRows);
            }
            f.br(next);
          });
          f.get(directory).get(hash).get(shift).op('i32.shr_u').i32(3).op('i32.shl').op('i32.add').tee(slot);
          f.mem(atomic ? 'i64.atomic.load' : 'i64.load').set(old);
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
            return;
          }
          f.loop((again) => {
            link();
            f.get(slot).get(old);
            pushEntry();
            f.mem('i64.atomic.rmw.cmpxchg').tee(seen).get(old).op('i64.ne');
            f.if(() => f.get(seen).set(old).br(again));
          });
        });
      });
    });
  }

  /** Before the loop of a probe pipeline. */
  open(e: Emitter): { readonly directory: Local; readonly shift: Local } {
    const { f } = e;
    const directory = f.local('i32');
    const shift = f.local('i32');
    f.get(e.qs).mem('i32.load', this.directory).set(directory);
    f.get(e.qs).mem('i32.load', this.shift).set(shift);
    return { directory, shift };
  }

  /** Sets `row` to the first row of the chain for `hash`, 0 when it surely has none. */
  lookup(
    e: Emitter,
    opened: { readonly directory: Local; readonly shift: Local },
    hash: Local,
    row: Local,
  ): void {
    const { f } = e;
    f.get(opened.directory)
      .get(hash)
      .get(opened.shift)
      .op('i32.shr_u')
      .i32(3)
      .op('i32.shl')
      .op('i32.add')
      .mem('i64.load');
    const entry = e.save('i64');
    f.get(entry).op('i32.wrap_i64').i32(0);
    f.get(entry)
      .i64(32n)
      .op('i64.shr_u')
      .op('i32.wrap_i64')
      .get(hash)
      .i32(31)
      .op('i32.and')
      .op('i32.shr_u')
      .i32(1)
      .op('i32.and');
    f.op('select').set(row);
  }
}

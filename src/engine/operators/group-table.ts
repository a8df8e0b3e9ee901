/** A worker's hash table of distinct keys: rows that never move, found through an open-addressed directory.
 *
 *  Directory entry (i64): high half = the hash, low half = address of the row, 0 = free; index = the hash's top bits,
 *  linear probing, at most half full. Growth rehashes the directory alone. 16 bytes in the worker state: +0 directory,
 *  +4 shift, +8 rows, +12 rows at which it grows. */

import type { SliceContext } from '../codegen/context.js';
import type { Emitter } from '../codegen/emitter.js';
import type { Val } from '../codegen/val.js';
import { hashVals, notDistinct } from '../codegen/value-ops.js';
import type { Func, Local } from '../wasm/module-builder.js';
import { toRepr } from './coerce.js';
import type { Pipeline } from './pipeline.js';
import type { Field, RowLayout } from './row-layout.js';
import { RowStore } from './row-store.js';
import type { Touch } from './staged-loop.js';

export const DIRECTORY = 0;
export const SHIFT = 4;
export const COUNT = 8;
const LIMIT = 12;
const FIRST_BITS = 8;
/** Directories of at least 2^17 entries. */
const DIRECTORY_LARGE_SHIFT = 15;

/** (qs, table): allocates the directory, or a four times larger one. */
function growFunction(ctx: SliceContext): Func {
  return ctx.lib({
    name: 'groups.grow',
    params: ['i32', 'i32'],
    results: [],
    build(f) {
      const [qs, table] = f.params;
      const old = f.local('i32');
      const oldEnd = f.local('i32');
      const bits = f.local('i32');
      const directory = f.local('i32');
      const index = f.local('i32');
      const mask = f.local('i32');
      const at = f.local('i32');
      const entry = f.local('i64');
      f.i32(FIRST_BITS).set(bits);
      f.get(table).mem('i32.load', DIRECTORY).tee(old);
      f.if(() => {
        f.i32(32).get(table).mem('i32.load', SHIFT).op('i32.sub').tee(bits);
        f.i32(3).op('i32.add').set(at);
        f.get(old).i32(1).get(at).op('i32.shl').op('i32.add').set(oldEnd);
        // Large tables double: four times as much may not be there.
        f.get(bits).i32(1).i32(2).get(bits).i32(20).op('i32.ge_u').op('select').op('i32.add').set(bits);
      });
      f.get(qs).i32(8).get(bits).op('i32.shl').call(ctx.host.alloc).set(directory);
      f.get(directory).i32(0).i32(8).get(bits).op('i32.shl').memoryFill();
      f.get(table).get(directory).mem('i32.store', DIRECTORY);
      f.get(table).i32(32).get(bits).op('i32.sub').mem('i32.store', SHIFT);
      f.get(table).i32(1).get(bits).i32(1).op('i32.sub').op('i32.shl').mem('i32.store', LIMIT);
      f.i32(1).get(bits).op('i32.shl').i32(1).op('i32.sub').set(mask);
      f.get(old);
      f.if(() => {
        f.get(old).set(at);
        f.loop((again) => {
          f.get(at).mem('i64.load').tee(entry).op('i64.eqz').op('i32.eqz');
          f.if(() => {
            f.get(entry)
              .i64(32n)
              .op('i64.shr_u')
              .op('i32.wrap_i64')
              .i32(32)
              .get(bits)
              .op('i32.sub')
              .op('i32.shr_u')
              .set(index);
            f.block((free) => {
              f.loop((probe) => {
                f.get(directory)
                  .get(index)
                  .i32(3)
                  .op('i32.shl')
                  .op('i32.add')
                  .mem('i64.load')
                  .op('i64.eqz')
                  .brIf(free);
                f.get(index).i32(1).op('i32.add').get(mask).op('i32.and').set(index).br(probe);
              });
            });
            f.get(directory).get(index).i32(3).op('i32.shl').op('i32.add').get(entry).mem('i64.store');
          });
          f.get(at).i32(8).op('i32.add').tee(at).get(oldEnd).op('i32.lt_u').brIf(again);
        });
        f.get(qs).get(old).call(ctx.host.free);
      });
    },
  });
}

export type OpenTable = {
  readonly directory: Local;
  readonly shift: Local;
  readonly mask: Local;
  readonly row: Local;
};

export class GroupTable {
  readonly layout: RowLayout;
  readonly store: RowStore;
  /** In the worker state. */
  readonly offset: number;
  readonly keys: readonly Field[];

  constructor(ctx: SliceContext, layout: RowLayout) {
    this.layout = layout;
    this.store = new RowStore(ctx, layout.bytes);
    this.offset = ctx.allocWs(16);
    this.keys = layout.fields;
  }

  /** Before the loop of a pipeline that fills the table. */
  open(e: Emitter): OpenTable {
    const { f, ws } = e;
    const opened: OpenTable = {
      directory: f.local('i32'),
      shift: f.local('i32'),
      mask: f.local('i32'),
      row: f.local('i32'),
    };
    f.get(ws)
      .mem('i32.load', this.offset + DIRECTORY)
      .op('i32.eqz');
    f.if(() => this.grow(e));
    this.reload(e, opened);
    return opened;
  }

  private grow(e: Emitter): void {
    e.f.get(e.qs).get(e.ws).i32(this.offset).op('i32.add').call(growFunction(e.ctx));
  }

  private reload(e: Emitter, o: OpenTable): void {
    const { f, ws } = e;
    f.get(ws)
      .mem('i32.load', this.offset + DIRECTORY)
      .set(o.directory);
    f.get(ws)
      .mem('i32.load', this.offset + SHIFT)
      .set(o.shift);
    f.i32(-1).get(o.shift).op('i32.shr_u').set(o.mask);
  }

  /** Reads the directory and the row that it names; `keys` emits those of the current row. */
  touch(p: Pipeline, o: OpenTable, keys: () => readonly Val[]): Touch {
    const { e, f } = p;
    const pushRow = (): void => {
      const hash = hashVals(
        e,
        keys().map((k, i) => toRepr(e, { ...k, isNull: undefined }, this.keys[i]!.repr)),
      );
      f.get(o.directory).get(hash).get(o.shift).op('i32.shr_u').i32(3).op('i32.shl').op('i32.add');
      f.mem('i32.load');
    };
    return {
      large: () => f.get(o.shift).i32(DIRECTORY_LARGE_SHIFT).op('i32.le_u'),
      rounds: [
        pushRow,
        () => {
          pushRow();
          f.mem('i32.load', this.layout.extraOffset);
        },
      ],
    };
  }

  /** Sets `opened.row` to the row with these keys, adding it if there is none; `onInsert` runs for a new row, which has
   *  its keys and flags but uninitialised extra bytes. `keys[i]` belongs to `layout.fields[i]`. */
  find(e: Emitter, o: OpenTable, keys: readonly Val[], onInsert: () => void): void {
    const { f, ws } = e;
    const vals = keys.map((k, i) => toRepr(e, k, this.keys[i].repr));
    const hash = hashVals(e, vals);
    const slot = f.local('i32');
    const index = f.local('i32');
    const entry = f.local('i64');
    f.get(hash).get(o.shift).op('i32.shr_u').set(index);
    f.block((found) => {
      f.loop((probe) => {
        f.get(o.directory).get(index).i32(3).op('i32.shl').op('i32.add').tee(slot).mem('i64.load').tee(entry);
        f.op('i64.eqz');
        f.if(() => {
          e.scoped(() => {
            this.store.append(e, o.row);
            this.layout.storeVals(e, o.row, vals);
            f.get(slot)
              .get(o.row)
              .op('i64.extend_i32_u')
              .get(hash)
              .op('i64.extend_i32_u')
              .i64(32n)
              .op('i64.shl')
              .op('i64.or');
            f.mem('i64.store');
            onInsert();
            f.get(ws)
              .get(ws)
              .mem('i32.load', this.offset + COUNT)
              .i32(1)
              .op('i32.add')
              .tee(index)
              .mem('i32.store', this.offset + COUNT);
            f.get(index)
              .get(ws)
              .mem('i32.load', this.offset + LIMIT)
              .op('i32.gt_u');
            f.if(() => {
              this.grow(e);
              this.reload(e, o);
            });
          });
          f.br(found);
        });
        f.get(entry).i64(32n).op('i64.shr_u').op('i32.wrap_i64').get(hash).op('i32.eq');
        f.if(() => {
          f.get(entry).op('i32.wrap_i64').set(o.row);
          e.scoped(() => {
            this.pushSameKeys(e, o.row, vals);
            f.brIf(found);
          });
        });
        f.get(index).i32(1).op('i32.add').get(o.mask).op('i32.and').set(index).br(probe);
      });
    });
    f.release(slot);
    f.release(index);
    f.release(entry);
  }

  /** Leaves i32: 1 = the row's keys are these. */
  pushSameKeys(e: Emitter, row: Local, vals: readonly Val[]): void {
    const test = (i: number): void => {
      notDistinct(e, this.layout.load(e, row, this.keys[i]), vals[i]);
      if (i + 1 < vals.length)
        e.f.if(
          () => e.scoped(() => test(i + 1)),
          () => e.f.i32(0),
          'i32',
        );
    };
    if (vals.length === 0) e.f.i32(1);
    else test(0);
  }
}

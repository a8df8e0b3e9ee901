/** Groups of one integer key with a small guaranteed range: an array of row addresses indexed by key, per worker.
 *
 *  Takes the place of the hash table where the array would not be much larger than the table's directory: no hash, no
 *  comparison, no growth, and rows that come clustered by key stay in the cache. A NULL key has the last entry. Merging
 *  splits the array into ranges; as with hash tables, the first row of a group takes up the others, which die. */
import type { Emitter } from '../codegen/emitter.js';
import type { Val } from '../codegen/val.js';
import { QS } from '../layout.js';
import type { Local } from '../wasm/module-builder.js';
import { toRepr } from './coerce.js';
import type { Pipeline, SliceCompiler } from './pipeline.js';
import { rangeIndex } from './range-index.js';
import type { Field, RowLayout } from './row-layout.js';
import { RowStore } from './row-store.js';
import { TOUCH_BYTES_MIN, type Touch } from './staged-loop.js';

/** Of all workers' arrays together. */
const ENTRIES_MAX = 1n << 26n;
/** Entries per expected group, and what is small enough for any number of them. */
const SLACK = 8n;
const ALWAYS = 4096n;
const PARTS = 32;

export type OpenGroups = { readonly row: Local; readonly array: Local };

export class DenseGroups {
  readonly layout: RowLayout;
  readonly store: RowStore;
  private readonly key: Field;
  private readonly min: bigint;
  private readonly entries: number;
  /** In the worker state: address of the array. */
  private readonly at: number;

  private constructor(c: SliceCompiler, layout: RowLayout, key: Field, min: bigint, entries: number) {
    this.layout = layout;
    this.store = new RowStore(c.ctx, layout.bytes);
    this.key = key;
    this.min = min;
    this.entries = entries;
    this.at = c.ctx.allocWs(4, 4);
  }

  /** `groups`: how many are expected. Undefined when an array would not do. */
  static for(c: SliceCompiler, layout: RowLayout, groups: number): DenseGroups | undefined {
    const [key] = layout.fields;
    if (layout.fields.length !== 1 || (key.repr !== 'i32' && key.repr !== 'i64')) return undefined;
    const { range } = key.column;
    if (range === undefined) return undefined;
    const entries = range.max - range.min + 2n;
    if (entries <= 1n || entries * BigInt(c.env.workers) > ENTRIES_MAX) return undefined;
    if (entries > ALWAYS && entries > SLACK * BigInt(Math.ceil(groups))) return undefined;
    return new DenseGroups(c, layout, key, range.min, Number(entries));
  }

  /** Before the loop of a pipeline that fills the array. */
  open(e: Emitter): OpenGroups {
    const { f } = e;
    const array = f.local('i32');
    const row = f.local('i32');
    f.get(e.ws).mem('i32.load', this.at).tee(array).op('i32.eqz');
    f.if(() => {
      f.get(e.qs)
        .i32(this.entries * 4)
        .call(e.ctx.host.alloc)
        .set(array);
      f.get(array)
        .i32(0)
        .i32(this.entries * 4)
        .memoryFill();
      f.get(e.ws).get(array).mem('i32.store', this.at);
    });
    return { row, array };
  }

  /** Reads the array and the group's states; `key` emits that of the current row. */
  touch(p: Pipeline, { array }: OpenGroups, key: () => Val): Touch {
    const { e, f } = p;
    const pushIndex = (): void => {
      const index = e.local('i32');
      e.push(toRepr(e, { ...key(), isNull: undefined }, this.key.repr).parts[0]!);
      if (this.key.repr === 'i64') f.i64(this.min).op('i64.sub').op('i32.wrap_i64');
      else f.i32(Number(BigInt.asIntN(32, this.min))).op('i32.sub');
      f.tee(index).i32(0).get(index).i32(this.entries).op('i32.lt_u').op('select');
    };
    const pushRow = (): void => {
      f.get(array);
      pushIndex();
      f.i32(2).op('i32.shl').op('i32.add').mem('i32.load');
    };
    return {
      large: () => f.i32(this.entries * 4 >= TOUCH_BYTES_MIN ? 1 : 0),
      place: pushIndex,
      rounds: [
        pushRow,
        () => {
          pushRow();
          f.mem('i32.load', this.layout.extraOffset);
        },
      ],
    };
  }

  /** Sets `opened.row` to the group's row, adding it if there is none (`onInsert` then initialises its states). */
  find(e: Emitter, opened: OpenGroups, key: Val, onInsert: () => void): void {
    const { f } = e;
    const { row, array } = opened;
    const val = toRepr(e, key, this.key.repr);
    const index = rangeIndex(e, val, this.min, this.entries - 1);
    const slot = e.local('i32');
    f.get(index).i32(2).op('i32.shl').get(array).op('i32.add').tee(slot).mem('i32.load').tee(row);
    f.op('i32.eqz').if(() =>
      e.scoped(() => {
        this.store.append(e, row);
        this.layout.storeVals(e, row, [val]);
        onInsert();
        f.get(slot).get(row).mem('i32.store');
      }),
    );
  }

  /** As `groupMerge`: `merge(e, into, from)` adds the states of row `from` to those of row `into`. */
  merge(
    c: SliceCompiler,
    merge: (e: Emitter, into: Local, from: Local) => void,
  ): {
    readonly prepare: (e: Emitter) => void;
    readonly parallel: { readonly run: string; readonly partsSlot: number };
  } {
    const parts = c.ctx.allocQs(4, 4);
    const eachArray = (e: Emitter, body: (array: Local) => void): void => {
      const { f, qs } = e;
      const worker = f.local('i32');
      const array = f.local('i32');
      f.i32(0).set(worker);
      f.while(
        () => f.get(worker).get(qs).mem('i32.load', QS.workers).op('i32.lt_u'),
        () => {
          f.get(qs).get(worker).i32(2).op('i32.shl').op('i32.add').mem('i32.load', QS.workerStates);
          f.mem('i32.load', this.at).tee(array);
          f.if(() => e.scoped(() => body(array)));
          f.get(worker).i32(1).op('i32.add').set(worker);
        },
      );
    };
    const prepare = (e: Emitter): void => {
      const { f } = e;
      const filled = f.local('i32');
      f.i32(0).set(filled);
      eachArray(e, () => f.get(filled).i32(1).op('i32.add').set(filled));
      f.get(filled).i32(1).op('i32.gt_u');
      f.if(() => f.get(e.qs).i32(PARTS).mem('i32.store', parts));
    };
    const perPart = Math.ceil(this.entries / PARTS);
    const run = c.parallelStep((e, part) => {
      const { f } = e;
      const index = f.local('i32');
      const end = f.local('i32');
      const into = f.local('i32');
      const from = f.local('i32');
      f.get(part).i32(perPart).op('i32.mul').tee(index).i32(perPart).op('i32.add').set(end);
      f.get(end).i32(this.entries).op('i32.gt_u');
      f.if(() => f.i32(this.entries).set(end));
      f.while(
        () => f.get(index).get(end).op('i32.lt_u'),
        () => {
          f.i32(0).set(into);
          eachArray(e, (array) => {
            f.get(array).get(index).i32(2).op('i32.shl').op('i32.add').mem('i32.load').tee(from);
            f.if(() => {
              f.get(into);
              f.if(
                () => {
                  e.scoped(() => merge(e, into, from));
                  f.get(from).i32(1).mem('i32.store8', this.layout.flagOffset);
                },
                () => f.get(from).set(into),
              );
            });
          });
          f.get(index).i32(1).op('i32.add').set(index);
        },
      );
    });
    return { prepare, parallel: { run, partsSlot: parts } };
  }
}

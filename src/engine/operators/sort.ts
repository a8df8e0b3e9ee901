/** Sort and top-N: rows are stored, their addresses sorted, and a serial pipeline reads them in order.
 *
 *  With a limit of up to 65,536 rows each worker keeps its best rows only, in a heap whose top is the worst of them;
 *  larger limits sort everything and cut. `distinctOn` keeps the first row of each run, or those that `keep` says, then
 *  the limit applies. */
import type { Column } from '../../plan/expr.js';
import { columnsOf, exprNullable, exprType } from '../../plan/expr-util.js';
import type { RunRows } from '../../plan/logical/nodes.js';
import type { SortOp } from '../../plan/physical.js';
import type { ColId } from '../../types/ids.js';
import type { Emitter } from '../codegen/emitter.js';
import { compareKeys, notDistinct } from '../codegen/value-ops.js';
import { FAIL } from '../layout.js';
import type { Func, Local } from '../wasm/module-builder.js';
import { exprRange } from './agg-functions.js';
import { heapFunctions } from './heap.js';
import { NO_LIMIT, rowCount } from './limit.js';
import { type Consumer, type Pipeline, type SliceCompiler, union } from './pipeline.js';
import { RowLayout } from './row-layout.js';
import { eachEntry, eachRow, RowStore } from './row-store.js';
import { emitCommonPrefix, isExactPrefix, isTextPrefix, pushSortPrefix } from './sort-prefix.js';
import { compareFunction, type OrderKey, pushPrefixSort } from './sort-rows.js';

const HEAP_ROWS = 65_536;

export function produceSort(c: SliceCompiler, op: SortOp, consumer: Consumer): void {
  const keys: OrderKey[] = op.keys.map((k) => ({
    column: sortColumn(c, op, k.expr),
    descending: k.descending,
    nullsFirst: k.nullsFirst,
  }));
  const payload = op.input.cols.filter((col) => consumer.needs.has(col.id));
  const counts = union(...[op.keep?.limit, op.keep?.offset].map((x) => (x ? columnsOf(x) : [])));
  const counting = op.input.cols.filter((col) => counts.has(col.id));
  const layout = new RowLayout([...keys.map((k) => k.column), ...payload, ...counting]);
  const store = new RowStore(c.ctx, layout.bytes);
  const compare = compareFunction(c, layout, keys);
  const blocks = c.ctx.allocQs(8);
  const sorted = c.ctx.allocQs(8);
  const topN = op.limit !== undefined && op.distinctOn === undefined && c.ctx.uses('TopN');
  const heapState: HeapState = topN
    ? { at: c.ctx.allocWs(8), scratch: c.ctx.allocWs(layout.bytes) }
    : { at: 0, scratch: 0 };

  const fed: Pipeline[] = [];
  c.produce(op.input, {
    needs: union(
      payload.map((col) => col.id),
      counts,
      ...op.keys.map((k) => columnsOf(k.expr)),
      op.limit ? columnsOf(op.limit) : [],
    ),
    open(p) {
      fed.push(p);
      p.labels.push(topN ? 'top-N' : 'sort');
      const { e, f } = p;
      const row = f.local('i32');
      const bindKeys = (): void =>
        keys.forEach((k, i) => {
          if (!e.isBound(k.column.id) || k.column.id < 0) e.bind(k.column.id, () => e.emit(op.keys[i].expr));
        });
      const heap = topN ? openHeap(c, p, op, layout, compare, heapState) : undefined;
      const append = (): void => {
        store.append(e, row);
        layout.storeAll(e, row);
      };
      return {
        row() {
          bindKeys();
          if (!heap) append();
          else heap.row(keys, append, row);
        },
      };
    },
  });

  /** Sets `array` to the addresses of all rows in order. */
  const sortByPrefix = (e: Emitter, n: Local, array: Local): void => {
    const { f, qs } = e;
    const entries = f.local('i32');
    const at = f.local('i32');
    const end = f.local('i32');
    const first = layout.field(keys[0].column.id);
    const prefixed = c.ctx.uses('SortPrefix');
    // Strings of one column often begin alike: the prefix is taken from where they differ.
    let common: Local | undefined;
    if (prefixed && isTextPrefix(first)) {
      const same = f.local('i32');
      const one = f.local('i64');
      f.i32(-1).set(same);
      eachEntry(e, blocks, (address, rows) =>
        eachRow(e, address, rows, layout.bytes, (r) =>
          emitCommonPrefix(e, layout.load(e, r, first), one, same),
        ),
      );
      // All null.
      f.get(same).i32(-1).op('i32.eq');
      f.if(() => f.i32(0).set(same));
      common = same;
    }
    f.get(qs).get(n).i32(4).op('i32.shl').call(c.ctx.host.alloc).tee(entries).set(at);
    eachEntry(e, blocks, (address, rows) =>
      eachRow(e, address, rows, layout.bytes, (r) => {
        f.get(at);
        if (prefixed) pushSortPrefix(e, layout.load(e, r, first), keys[0], common);
        else f.i64(0n);
        f.mem('i64.store').get(at).get(r).mem('i32.store', 8);
        f.get(at).i32(16).op('i32.add').set(at);
      }),
    );
    pushPrefixSort(e, compare, entries, n, prefixed && keys.length === 1 && isExactPrefix(first));
    f.get(qs).get(n).i32(2).op('i32.shl').call(c.ctx.host.alloc).set(array);
    f.get(array).set(at);
    f.get(entries).set(end);
    f.loop((again) => {
      f.get(at).get(end).mem('i32.load', 8).mem('i32.store');
      f.get(end).i32(16).op('i32.add').set(end);
      f.get(at).i32(4).op('i32.add').tee(at);
      f.get(array).get(n).i32(2).op('i32.shl').op('i32.add').op('i32.lt_u').brIf(again);
    });
    f.get(qs).get(entries).call(c.ctx.host.free);
  };
  const sortStep = c.finishStep((e) => {
    const { f, qs } = e;
    const n = f.local('i32');
    const array = f.local('i32');
    const at = f.local('i32');
    store.collect(e, blocks);
    f.tee(n).op('i32.eqz');
    f.if(() => f.return());
    if (keys.length === 0) {
      f.get(qs).get(n).i32(2).op('i32.shl').call(c.ctx.host.alloc).tee(array).set(at);
      eachEntry(e, blocks, (address, rows) =>
        eachRow(e, address, rows, layout.bytes, (r) => {
          f.get(at).get(r).mem('i32.store');
          f.get(at).i32(4).op('i32.add').set(at);
        }),
      );
    } else sortByPrefix(e, n, array);
    if (op.distinctOn !== undefined) {
      const lead = keys.slice(0, op.distinctOn);
      if (op.keep === undefined) keepFirsts(e, layout, lead, array, n);
      else keepRuns(e, layout, { lead, keys, keep: op.keep, counts }, array, n);
    }
    if (op.limit !== undefined) {
      const limit = rowCount(e, op.limit, NO_LIMIT, FAIL.negativeLimit);
      f.get(n).op('i64.extend_i32_u').get(limit).op('i64.gt_u');
      f.if(() => f.get(limit).op('i32.wrap_i64').set(n));
    }
    f.get(n).op('i32.eqz');
    f.if(() => f.return());
    f.get(qs).get(qs).i32(8).call(c.ctx.host.alloc).tee(at).mem('i32.store', sorted);
    f.get(at).get(array).mem('i32.store');
    f.get(at).get(n).mem('i32.store', 4);
    f.get(qs)
      .i32(1)
      .mem('i32.store', sorted + 4);
  });
  const ready = c.finishAfter(fed, 'sort', [sortStep]);
  c.pipeline(
    { kind: 'rows', listSlot: sorted },
    { node: op.id, deps: [ready], ordered: true, label: 'sorted rows' },
    consumer,
    (p) => {
      const { e, f } = p;
      const row = f.local('i32');
      return (i, body) => {
        f.get(p.morsel).get(i).i32(2).op('i32.shl').op('i32.add').mem('i32.load').set(row);
        layout.bind(e, row, consumer.needs);
        body.row();
      };
    },
  );
}

function sortColumn(c: SliceCompiler, op: SortOp, x: SortOp['keys'][number]['expr']): Column {
  const own = x.kind === 'col' ? op.input.cols.find((col) => col.id === x.id) : undefined;
  return own ?? c.column(exprType(x), exprNullable(x), exprRange(x, op.input.cols));
}

/** Compacts `array` to the first row of each run of equal keys. */
function keepFirsts(e: Emitter, layout: RowLayout, keys: readonly OrderKey[], array: Local, n: Local): void {
  const { f } = e;
  const i = f.local('i32');
  const kept = f.local('i32');
  const last = f.local('i32');
  const row = f.local('i32');
  f.i32(0).set(i).i32(0).set(kept);
  f.while(
    () => f.get(i).get(n).op('i32.lt_u'),
    () => {
      f.get(array).get(i).i32(2).op('i32.shl').op('i32.add').mem('i32.load').set(row);
      f.block((drop) => {
        f.get(i);
        f.if(() => {
          e.scoped(() => {
            keys.forEach((k, x) => {
              const field = layout.field(k.column.id);
              notDistinct(e, layout.load(e, last, field), layout.load(e, row, field));
              if (x > 0) f.op('i32.and');
            });
            if (keys.length === 0) f.i32(1);
          });
          f.brIf(drop);
        });
        f.get(array).get(kept).i32(2).op('i32.shl').op('i32.add').get(row).mem('i32.store');
        f.get(kept).i32(1).op('i32.add').set(kept);
        f.get(row).set(last);
      });
      f.get(i).i32(1).op('i32.add').set(i);
    },
  );
  f.get(kept).set(n);
}

type Runs = {
  /** Equal in all rows of a run. */
  readonly lead: readonly OrderKey[];
  readonly keys: readonly OrderKey[];
  readonly keep: RunRows;
  /** Columns that the row counts read. */
  readonly counts: ReadonlySet<ColId>;
};

/** Compacts `array` to the rows that `keep` says of each run. */
function keepRuns(e: Emitter, layout: RowLayout, runs: Runs, array: Local, n: Local): void {
  const { f } = e;
  const { lead, keys, keep, counts } = runs;
  const i = f.local('i32');
  const kept = f.local('i32');
  const last = f.local('i32');
  const row = f.local('i32');
  const fresh = f.local('i32');
  /** The row before is in the result. */
  const taken = f.local('i32');
  const seen = f.local('i64');
  const offset = f.local('i64');
  const end = f.local('i64');
  const pushEqual = (columns: readonly OrderKey[]): void =>
    e.scoped(() => {
      columns.forEach((k, x) => {
        const field = layout.field(k.column.id);
        notDistinct(e, layout.load(e, last, field), layout.load(e, row, field));
        if (x > 0) f.op('i32.and');
      });
      if (columns.length === 0) f.i32(1);
    });
  f.i32(0).set(i).i32(0).set(kept);
  f.while(
    () => f.get(i).get(n).op('i32.lt_u'),
    () => {
      f.get(array).get(i).i32(2).op('i32.shl').op('i32.add').mem('i32.load').set(row);
      f.i32(1).set(fresh);
      f.get(i);
      f.if(() => {
        pushEqual(lead);
        f.op('i32.eqz').set(fresh);
      });
      f.get(fresh);
      f.if(() => {
        e.scoped(() => {
          layout.bind(e, row, counts);
          const skip = rowCount(e, keep.offset, 0n, FAIL.negativeOffset);
          const rows = rowCount(e, keep.limit, NO_LIMIT, FAIL.negativeLimit);
          f.get(skip).set(offset);
          f.get(rows).get(skip).op('i64.add').set(end);
        });
        f.i64(0n).set(seen).i32(0).set(taken);
      });
      f.block((drop) => {
        f.get(seen).get(end).op('i64.ge_u');
        f.if(
          () => {
            if (keep.ties) {
              f.get(taken);
              f.if(() => {
                pushEqual(keys);
                f.set(taken);
              });
            } else f.i32(0).set(taken);
          },
          () => f.get(seen).get(offset).op('i64.ge_u').set(taken),
        );
        f.get(taken).op('i32.eqz').brIf(drop);
        f.get(array).get(kept).i32(2).op('i32.shl').op('i32.add').get(row).mem('i32.store');
        f.get(kept).i32(1).op('i32.add').set(kept);
      });
      f.get(seen).i64(1n).op('i64.add').set(seen);
      f.get(row).set(last);
      f.get(i).i32(1).op('i32.add').set(i);
    },
  );
  f.get(kept).set(n);
}

type HeapState = { readonly at: number; readonly scratch: number };
type OpenHeap = { row(keys: readonly OrderKey[], append: () => void, row: Local): void };

/** The worker's heap: its rows are those of the store, +0 array of addresses, +4 rows, in the worker state. */
function openHeap(
  c: SliceCompiler,
  p: Pipeline,
  op: SortOp,
  layout: RowLayout,
  compare: Func,
  state: HeapState,
): OpenHeap {
  const { e, f } = p;
  const { siftDown, heapify } = heapFunctions(c, compare);
  const limit = rowCount(e, op.limit, NO_LIMIT, FAIL.negativeLimit);
  f.get(limit).op('i64.eqz');
  f.if(() => p.stop());
  /** Rows that the heap holds; all ones when everything is kept and sorted. */
  const capacity = f.local('i32');
  f.i32(-1).set(capacity);
  const array = f.local('i32');
  f.get(limit).i64(BigInt(HEAP_ROWS)).op('i64.le_u');
  f.if(() => {
    f.get(limit).op('i32.wrap_i64').set(capacity);
    f.get(p.ws).mem('i32.load', state.at).tee(array).op('i32.eqz');
    f.if(() => {
      f.get(p.qs).get(capacity).i32(2).op('i32.shl').call(c.ctx.host.alloc).set(array);
      f.get(p.ws).get(array).mem('i32.store', state.at);
    });
  });
  const count = f.local('i32');
  const root = f.local('i32');
  const candidate = f.local('i32');
  f.get(p.ws).i32(state.scratch).op('i32.add').set(candidate);
  return {
    row(keys, append, row) {
      f.get(p.ws)
        .mem('i32.load', state.at + 4)
        .tee(count)
        .get(capacity)
        .op('i32.lt_u');
      f.if(
        () =>
          e.scoped(() => {
            append();
            f.get(capacity).i32(-1).op('i32.ne');
            f.if(() => {
              f.get(array).get(count).i32(2).op('i32.shl').op('i32.add').get(row).mem('i32.store');
              f.get(p.ws)
                .get(count)
                .i32(1)
                .op('i32.add')
                .tee(count)
                .mem('i32.store', state.at + 4);
              f.get(count).get(capacity).op('i32.eq');
              f.if(() => f.get(p.qs).get(p.ws).get(array).get(count).call(heapify));
            });
          }),
        () =>
          e.scoped(() => {
            f.get(array).mem('i32.load').set(root);
            f.block((worse) => {
              // Most rows lose on the first key, before anything is written.
              const first = keys[0];
              e.scoped(() => {
                compareKeys(
                  e,
                  e.column(first.column.id),
                  layout.load(e, root, layout.field(first.column.id)),
                  first,
                );
                f.i32(0).op('i32.gt_s').brIf(worse);
              });
              layout.storeAll(e, candidate, false);
              f.get(p.qs).get(p.ws).get(candidate).get(root).call(compare).i32(0).op('i32.ge_s').brIf(worse);
              layout.storeAll(e, root);
              f.get(p.qs).get(p.ws).get(array).get(count).i32(0).call(siftDown);
            });
          }),
      );
    },
  };
}

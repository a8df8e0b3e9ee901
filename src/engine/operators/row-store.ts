/** Per-worker row storage: rows of one size in blocks that never move.
 *
 *  A store is 16 bytes in the worker state: +0 next free row, +4 end of the block, +8 newest block, +12 bytes of the
 *  next block. A block is a 64-byte header (+0 older block, +4 bytes used, filled in when it is left) and rows.
 *  `collect` runs when no worker appends any more: it lists the blocks of all workers, oldest first, as a `rows`
 *  source wants them. The hook for spilling is `grow`: it is the one place that asks for memory per row. */
import type { SliceContext } from '../codegen/context.js';
import type { Emitter } from '../codegen/emitter.js';
import { QS } from '../layout.js';
import type { Func, Local } from '../wasm/module-builder.js';

export const BLOCK_HEADER_BYTES = 64;
const FIRST_BLOCK_BYTES = 8 * 1024;
const MAX_BLOCK_BYTES = 1024 * 1024;

const NEXT = 0;
const END = 4;
const HEAD = 8;
const SIZE = 12;

/** (qs, store, rowBytes) -> row */
function growFunction(ctx: SliceContext): Func {
  return ctx.lib({
    name: 'rows.grow',
    params: ['i32', 'i32', 'i32'],
    results: ['i32'],
    build(f) {
      const [qs, store, rowBytes] = f.params;
      const block = f.local('i32');
      const size = f.local('i32');
      f.get(store).mem('i32.load', HEAD).tee(block);
      f.if(() => {
        f.get(block).get(store).mem('i32.load', NEXT).get(block).op('i32.sub');
        f.i32(BLOCK_HEADER_BYTES).op('i32.sub').mem('i32.store', 4);
      });
      f.get(store).mem('i32.load', SIZE).tee(size).op('i32.eqz');
      f.if(() => f.i32(FIRST_BLOCK_BYTES).set(size));
      // A very wide row still gets a block of its own.
      f.get(rowBytes).i32(BLOCK_HEADER_BYTES).op('i32.add').get(size).op('i32.gt_u');
      f.if(() => f.get(rowBytes).i32(BLOCK_HEADER_BYTES).op('i32.add').set(size));
      f.get(qs).get(size).call(ctx.host.alloc).set(block);
      f.get(block).get(store).mem('i32.load', HEAD).mem('i32.store', 0);
      f.get(store).get(block).mem('i32.store', HEAD);
      f.get(store).get(block).get(size).op('i32.add').mem('i32.store', END);
      f.get(size).i32(MAX_BLOCK_BYTES).op('i32.lt_u');
      f.if(() => f.get(size).i32(2).op('i32.shl').set(size));
      f.get(store).get(size).mem('i32.store', SIZE);
      f.get(block).i32(BLOCK_HEADER_BYTES).op('i32.add').tee(block);
      f.get(store).get(block).get(rowBytes).op('i32.add').mem('i32.store', NEXT);
    },
  });
}

/** (qs, storeOffset, rowBytes, listAddress) -> rows: fills the list slot (address u32, count u32). */
function collectFunction(ctx: SliceContext): Func {
  return ctx.lib({
    name: 'rows.collect',
    params: ['i32', 'i32', 'i32', 'i32'],
    results: ['i32'],
    build(f) {
      const [qs, storeOffset, rowBytes, list] = f.params;
      const worker = f.local('i32');
      const store = f.local('i32');
      const block = f.local('i32');
      const used = f.local('i32');
      const blocks = f.local('i32');
      const at = f.local('i32');
      const total = f.local('i32');
      const eachWorker = (body: () => void): void => {
        f.i32(0).set(worker);
        f.while(
          () => f.get(worker).get(qs).mem('i32.load', QS.workers).op('i32.lt_u'),
          () => {
            f.get(qs).get(worker).i32(2).op('i32.shl').op('i32.add').mem('i32.load', QS.workerStates);
            f.get(storeOffset).op('i32.add').tee(store).mem('i32.load', HEAD).tee(block);
            f.if(body);
            f.get(worker).i32(1).op('i32.add').set(worker);
          },
        );
      };
      eachWorker(() => {
        f.get(block).get(store).mem('i32.load', NEXT).get(block).op('i32.sub');
        f.i32(BLOCK_HEADER_BYTES).op('i32.sub').mem('i32.store', 4);
        f.loop((again) => {
          f.get(blocks).i32(1).op('i32.add').set(blocks);
          f.get(block).mem('i32.load', 0).tee(block).brIf(again);
        });
      });
      f.get(list).get(blocks).mem('i32.store', 4);
      f.get(blocks).op('i32.eqz');
      f.if(() => f.i32(0).return());
      f.get(list).get(qs).get(blocks).i32(3).op('i32.shl').call(ctx.host.alloc).mem('i32.store', 0);
      // Blocks are linked newest first: each worker's are written from the end of its part.
      const count = f.local('i32');
      const first = f.local('i32');
      f.get(list).mem('i32.load', 0).set(first);
      eachWorker(() => {
        f.i32(0).set(count);
        f.loop((again) => {
          f.get(count).i32(1).op('i32.add').set(count);
          f.get(block).mem('i32.load', 0).tee(block).brIf(again);
        });
        f.get(first).get(count).i32(3).op('i32.shl').op('i32.add').tee(first).set(at);
        f.get(store).mem('i32.load', HEAD).set(block);
        f.loop((again) => {
          f.get(at).i32(8).op('i32.sub').tee(at);
          f.get(block).i32(BLOCK_HEADER_BYTES).op('i32.add').mem('i32.store', 0);
          f.get(block).mem('i32.load', 4).get(rowBytes).op('i32.div_u').set(used);
          f.get(at).get(used).mem('i32.store', 4);
          f.get(total).get(used).op('i32.add').set(total);
          f.get(block).mem('i32.load', 0).tee(block).brIf(again);
        });
      });
      f.get(total);
    },
  });
}

export class RowStore {
  readonly rowBytes: number;
  /** In the worker state. */
  readonly offset: number;

  constructor(ctx: SliceContext, rowBytes: number) {
    this.rowBytes = rowBytes;
    this.offset = ctx.allocWs(16);
  }

  /** Space for one more row of this worker, not initialised. The local is the caller's to reuse. */
  append(e: Emitter, row: Local): void {
    const { f, ws } = e;
    f.get(ws)
      .mem('i32.load', this.offset + NEXT)
      .tee(row);
    f.i32(this.rowBytes)
      .op('i32.add')
      .get(ws)
      .mem('i32.load', this.offset + END)
      .op('i32.gt_u');
    f.if(
      () => {
        f.get(e.qs).get(ws).i32(this.offset).op('i32.add').i32(this.rowBytes);
        f.call(growFunction(e.ctx)).set(row);
      },
      () => {
        f.get(ws)
          .get(row)
          .i32(this.rowBytes)
          .op('i32.add')
          .mem('i32.store', this.offset + NEXT);
      },
    );
  }

  /** In a finish step: lists all workers' blocks in the query state at `listSlot`; leaves the number of rows. */
  collect(e: Emitter, listSlot: number): void {
    const { f } = e;
    f.get(e.qs).i32(this.offset).i32(this.rowBytes).get(e.qs).i32(listSlot).op('i32.add');
    f.call(collectFunction(e.ctx));
  }
}

/** `body` for each (address, rows) of the list in the query state at `listSlot`. */
export function eachEntry(e: Emitter, listSlot: number, body: (address: Local, rows: Local) => void): void {
  const { f } = e;
  const at = f.local('i32');
  const left = f.local('i32');
  const address = f.local('i32');
  const rows = f.local('i32');
  f.get(e.qs).mem('i32.load', listSlot).set(at);
  f.get(e.qs)
    .mem('i32.load', listSlot + 4)
    .set(left);
  f.while(
    () => f.get(left),
    () => {
      f.get(at).mem('i32.load', 0).set(address);
      f.get(at).mem('i32.load', 4).set(rows);
      e.scoped(() => body(address, rows));
      f.get(at).i32(8).op('i32.add').set(at);
      f.get(left).i32(1).op('i32.sub').set(left);
    },
  );
}

/** `body` for each of `rows` rows that lie from `address` on; `row` moves along. */
export function eachRow(
  e: Emitter,
  address: Local,
  rows: Local,
  rowBytes: number,
  body: (row: Local) => void,
): void {
  const { f } = e;
  const row = f.local('i32');
  const left = f.local('i32');
  f.get(address).set(row);
  f.get(rows).set(left);
  f.while(
    () => f.get(left),
    () => {
      e.scoped(() => body(row));
      f.get(row).i32(rowBytes).op('i32.add').set(row);
      f.get(left).i32(1).op('i32.sub').set(left);
    },
  );
}

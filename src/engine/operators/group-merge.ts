/** Merging the workers' group tables after the last morsel.
 *
 *  Groups are split by the top bits of their hash into parts, which workers merge independently. The first row of a
 *  group stays where it is and takes up the states of the others, which are marked dead; so nothing is copied, and the
 *  output scans the blocks of all workers and skips the dead. */
import type { Emitter } from '../codegen/emitter.js';
import { QS } from '../layout.js';
import type { Local } from '../wasm/module-builder.js';
import { COUNT, DIRECTORY, type GroupTable, SHIFT } from './group-table.js';
import type { SliceCompiler } from './pipeline.js';

const PART_BITS = 4;
const PARALLEL_GROUPS = 4096;

/** `merge(e, into, from)` adds the states of row `from` to those of row `into`. Call `prepare` in the finish step. */
export function groupMerge(
  c: SliceCompiler,
  table: GroupTable,
  merge: (e: Emitter, into: Local, from: Local) => void,
): {
  readonly prepare: (e: Emitter) => void;
  readonly parallel: { readonly run: string; readonly partsSlot: number };
} {
  const parts = c.ctx.allocQs(8);
  const partBits = parts + 4;

  const eachWorker = (e: Emitter, body: (tableAddress: Local) => void): void => {
    const { f, qs } = e;
    const worker = f.local('i32');
    const at = f.local('i32');
    f.i32(0).set(worker);
    f.while(
      () => f.get(worker).get(qs).mem('i32.load', QS.workers).op('i32.lt_u'),
      () => {
        f.get(qs).get(worker).i32(2).op('i32.shl').op('i32.add').mem('i32.load', QS.workerStates);
        f.i32(table.offset).op('i32.add').set(at);
        e.scoped(() => body(at));
        f.get(worker).i32(1).op('i32.add').set(worker);
      },
    );
  };

  const prepare = (e: Emitter): void => {
    const { f, qs } = e;
    const filled = f.local('i32');
    const groups = f.local('i32');
    const n = f.local('i32');
    f.i32(0).set(filled).i32(0).set(groups);
    eachWorker(e, (at) => {
      f.get(at).mem('i32.load', COUNT).tee(n).i32(0).op('i32.ne').get(filled).op('i32.add').set(filled);
      f.get(groups).get(n).op('i32.add').set(groups);
    });
    f.get(filled).i32(1).op('i32.gt_u');
    f.if(() => {
      f.get(groups).i32(PARALLEL_GROUPS).op('i32.gt_u');
      f.if(() => f.get(qs).i32(PART_BITS).mem('i32.store', partBits));
      f.get(qs).i32(1).get(qs).mem('i32.load', partBits).op('i32.shl').mem('i32.store', parts);
    });
  };

  const run = c.parallelStep((e, part) => {
    const { f, qs } = e;
    const bits = f.local('i32');
    const groups = f.local('i32');
    const directory = f.local('i32');
    const mask = f.local('i32');
    const shift = f.local('i32');
    const entry = f.local('i64');
    const hash = f.local('i32');
    f.get(qs).mem('i32.load', partBits).set(bits);
    /** Entries of this part, of all workers: a contiguous region of each directory and what probing pushed past it. */
    const eachEntry = (body: () => void): void =>
      eachWorker(e, (at) => {
        const base = f.local('i32');
        const tableBits = f.local('i32');
        const index = f.local('i32');
        const end = f.local('i32');
        f.get(at).mem('i32.load', DIRECTORY).tee(base);
        f.if(() => {
          f.i32(32).get(at).mem('i32.load', SHIFT).op('i32.sub').set(tableBits);
          f.get(part).get(tableBits).get(bits).op('i32.sub').op('i32.shl').set(index);
          f.get(index).i32(1).get(tableBits).get(bits).op('i32.sub').op('i32.shl').op('i32.add').set(end);
          f.block((done) => {
            f.loop((again) => {
              f.get(base).get(index).i32(-1).get(at).mem('i32.load', SHIFT).op('i32.shr_u').op('i32.and');
              f.i32(3).op('i32.shl').op('i32.add').mem('i64.load').set(entry);
              // An undivided table ends at its end; a part goes on to the first free entry.
              f.get(entry).op('i64.eqz').get(bits).op('i32.eqz').op('i32.or');
              f.get(index).get(end).op('i32.ge_u').op('i32.and').brIf(done);
              f.get(entry).i64(32n).op('i64.shr_u').op('i32.wrap_i64').set(hash);
              f.get(entry).op('i64.eqz').op('i32.eqz');
              // The part of a hash: its top bits (two shifts, because a shift by 32 is one by 0).
              f.get(hash)
                .i32(1)
                .op('i32.shr_u')
                .i32(31)
                .get(bits)
                .op('i32.sub')
                .op('i32.shr_u')
                .get(part)
                .op('i32.eq')
                .op('i32.and');
              f.if(body);
              f.get(index).i32(1).op('i32.add').set(index).br(again);
            });
          });
        });
      });
    f.i32(0).set(groups);
    eachEntry(() => f.get(groups).i32(1).op('i32.add').set(groups));
    f.get(groups).op('i32.eqz');
    f.if(() => f.return());
    f.i32(33).get(groups).op('i32.clz').op('i32.sub').set(shift);
    f.i32(1).get(shift).op('i32.shl').i32(1).op('i32.sub').set(mask);
    f.get(qs).get(mask).i32(1).op('i32.add').i32(3).op('i32.shl').call(c.ctx.host.alloc).set(directory);
    f.get(directory).i32(0).get(mask).i32(1).op('i32.add').i32(3).op('i32.shl').memoryFill();
    const slot = f.local('i32');
    const index = f.local('i32');
    const known = f.local('i64');
    const into = f.local('i32');
    const from = f.local('i32');
    eachEntry(() => {
      f.get(entry).op('i32.wrap_i64').set(from);
      // The bits below the part's.
      f.get(hash).get(bits).op('i32.shl').i32(32).get(shift).op('i32.sub').op('i32.shr_u').set(index);
      f.block((next) => {
        f.loop((probe) => {
          f.get(directory)
            .get(index)
            .i32(3)
            .op('i32.shl')
            .op('i32.add')
            .tee(slot)
            .mem('i64.load')
            .tee(known)
            .op('i64.eqz');
          f.if(() => {
            f.get(slot).get(entry).mem('i64.store');
            f.br(next);
          });
          f.get(known).get(entry).op('i64.xor').i64(32n).op('i64.shr_u').op('i64.eqz');
          f.if(() => {
            f.get(known).op('i32.wrap_i64').set(into);
            e.scoped(() => {
              const keys = table.keys.map((k) => table.layout.load(e, from, k));
              table.pushSameKeys(e, into, keys);
              f.if(() => {
                e.scoped(() => merge(e, into, from));
                f.get(from).i32(1).mem('i32.store8', table.layout.flagOffset);
                f.br(next);
              });
            });
          });
          f.get(index).i32(1).op('i32.add').get(mask).op('i32.and').set(index).br(probe);
        });
      });
    });
    f.get(qs).get(directory).call(c.ctx.host.free);
  });
  return { prepare, parallel: { run, partsSlot: parts } };
}

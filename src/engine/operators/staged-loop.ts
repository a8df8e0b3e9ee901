/** A loop over rows in stages, where what a row does begins with reading memory at random: a large hash table, a large
 *  array of groups.
 *
 *  A processor has a few hundred instructions under way. Where a row takes more (LIKE before a probe, three probes one
 *  after the other), it waits for each miss by itself. So a block of rows is first filtered, into a list of row numbers;
 *  then short loops do nothing but read what the rows will read, many misses at a time; then the rows find all of it in
 *  the cache. WebAssembly has no prefetch instruction: the loops load, and add up what they loaded so that it is loaded.
 *  Source: Menon, Mowry, Pavlo: "Relaxed operator fusion for in-memory databases" (VLDB 2017); Chen et al.: "Improving
 *  hash join performance through prefetching" (ICDE 2004). */
import type { PhysicalOp } from '../../plan/physical.js';
import type { ColId } from '../../types/ids.js';
import type { FunctionBuilder, Label, Local } from '../wasm/module-builder.js';
import type { Pipeline } from './pipeline.js';
import { vectorLoop } from './vector-filter.js';

export type Touch = {
  /** Leaves i32, once for each call: 0 = small enough to be in the cache anyway. */
  readonly large: () => void;
  /** Leaves i32: where the current row's key is in an array. Keys near each other need no help. */
  readonly place?: (() => void) | undefined;
  /** Each leaves i32, made of what it read for the current row; later ones go on from what earlier ones brought. */
  readonly rounds: readonly (() => void)[];
};

/** Fewer rows fit the second-level cache with room for the rest: at scale factor 1 of TPC-H there was nothing to gain. */
const TOUCH_ROWS_MIN = 100_000;
/** Bytes of an array of addresses from which it is worth while. */
export const TOUCH_BYTES_MIN = 1 << 20;

const BLOCK_ROWS = 1024;
/** Entries: a block whose keys lie within so many reads an array almost in order. */
const NEAR = 16_384;

/** Whether rows that come from `input` may read ahead in a table of about `entries` by these columns: they are the
 *  source's own and numbers, the table is not small, and most rows of the source get so far. */
export function touchable(
  p: Pipeline,
  input: PhysicalOp,
  entries: number,
  columns: readonly (ColId | undefined)[],
): boolean {
  return (
    p.e.ctx.uses('StagedLoops') &&
    p.source.kind === 'batches' &&
    (entries >= TOUCH_ROWS_MIN || !p.e.ctx.uses('StagedLoopCost')) &&
    columns.every((id) => id !== undefined && p.words.has(id)) &&
    input.rows * 2 >= sourceOf(input).rows
  );
}

/** Where the rows of a pipeline come from. */
function sourceOf(op: PhysicalOp): PhysicalOp {
  switch (op.kind) {
    case 'filter':
    case 'project':
    case 'limit':
    case 'repeat':
      return sourceOf(op.input);
    case 'hashJoin':
    case 'nestedLoop':
      return sourceOf(op.probe);
    default:
      return op;
  }
}

/** Tests one inside the other, then `then`. */
export function whenAll(p: Pipeline, tests: readonly (() => void)[], then: () => void, from = 0): void {
  if (from === tests.length) {
    then();
    return;
  }
  tests[from]!();
  p.f.if(() => p.e.scoped(() => whenAll(p, tests, then, from + 1)));
}

/** The loop over the rows in [start, end) that pass the pipeline's tests. */
export function stagedLoop(p: Pipeline, exitLabel: (exit: Label) => void, row: () => void): void {
  const { e, f } = p;
  const selects = p.vectorTests.length + p.laneTests.length + p.selection.length > 0;
  const weighs = e.ctx.uses('StagedLoopCost');
  const list = selects ? e.ctx.allocWs(BLOCK_ROWS * 4) : 0;
  const from = f.local('i32');
  const to = f.local('i32');
  const count = f.local('i32');
  const k = f.local('i32');
  const sum = f.local('i32');
  const pushListed = (push: () => void): FunctionBuilder => {
    if (!selects) {
      f.get(from);
      push();
      return f.op('i32.add');
    }
    f.get(p.ws);
    push();
    return f.i32(2).op('i32.shl').op('i32.add').mem('i32.load', list);
  };
  const each = (body: () => void): void => {
    if (!selects) {
      eachRow(p, from, to, body);
      return;
    }
    f.i32(0).set(k);
    f.loop((next) => {
      pushListed(() => f.get(k)).set(p.row);
      e.scoped(body);
      f.get(k).i32(1).op('i32.add').tee(k).get(count).op('i32.lt_u').brIf(next);
    });
  };
  const select = (): void => {
    f.get(p.ws).get(count).i32(2).op('i32.shl').op('i32.add').get(p.row).mem('i32.store', list);
    f.get(count).i32(1).op('i32.add').set(count);
  };
  const large = p.touches.map((t) => {
    const flag = f.local('i32');
    if (weighs) t.large();
    else f.i32(1);
    f.set(flag);
    return flag;
  });
  f.get(p.start).set(from);
  f.block((exit) => {
    exitLabel(exit);
    f.loop((again) => {
      f.get(from).get(p.end).op('i32.ge_u').brIf(exit);
      f.get(from).i32(BLOCK_ROWS).op('i32.add').tee(to).get(p.end);
      f.get(to).get(p.end).op('i32.lt_u').op('select').set(to);
      if (!selects) f.get(to).get(from).op('i32.sub').set(count);
      else {
        f.i32(0).set(count);
        selectRows(p, from, to, () => whenAll(p, p.selection, select));
      }
      f.get(count).if(() => {
        p.touches.forEach((t, i) => {
          f.get(large[i]!);
          f.if(() => {
            const touch = (): void => {
              for (const round of t.rounds)
                each(() => {
                  round();
                  f.get(sum).op('i32.add').set(sum);
                });
            };
            if (t.place === undefined || !weighs) touch();
            else {
              pushSpread(p, t.place, (push) => pushListed(push).set(p.row), count);
              f.i32(NEAR).op('i32.gt_u').if(touch);
            }
          });
        });
        each(row);
      });
      f.get(to).set(from);
      f.br(again);
    });
  });
  // Somebody must want what was loaded.
  f.get(p.ws).get(sum).mem('i32.store', e.ctx.allocWs(4, 4));
}

/** Leaves i32: how far apart the places of the first, the middle and the last row are. */
function pushSpread(p: Pipeline, place: () => void, goTo: (push: () => void) => void, count: Local): void {
  const { e, f } = p;
  const first = f.local('i32');
  const far = f.local('i32');
  const at = f.local('i32');
  const read = (push: () => void): void => {
    goTo(push);
    e.scoped(place);
    f.set(at);
  };
  read(() => f.i32(0));
  f.get(at).set(first);
  f.i32(0).set(far);
  for (const push of [() => f.get(count).i32(1).op('i32.shr_u'), () => f.get(count).i32(1).op('i32.sub')]) {
    read(push);
    // The distance, whichever is larger.
    f.get(at).get(first).op('i32.sub').get(first).get(at).op('i32.sub');
    f.get(at).get(first).op('i32.ge_u').op('select').tee(at).get(far);
    f.get(at).get(far).op('i32.gt_u').op('select').set(far);
  }
  f.get(far);
  f.release(first);
  f.release(far);
  f.release(at);
}

function selectRows(p: Pipeline, from: Local, to: Local, row: () => void): void {
  if (p.vectorTests.length + p.laneTests.length > 0)
    vectorLoop(p, { start: from, end: to }, () => undefined, row);
  else eachRow(p, from, to, row);
}

function eachRow(p: Pipeline, from: Local, to: Local, row: () => void): void {
  const { e, f } = p;
  f.get(from).set(p.row);
  f.loop((next) => {
    e.scoped(row);
    f.get(p.row).i32(1).op('i32.add').tee(p.row).get(to).op('i32.lt_u').brIf(next);
  });
}

/** Bump allocation in the worker state: the arena (as long as the query) and the temp space (as long as one call of a
 *  run function; the runtime rewinds it). Both take new blocks from `host.alloc`, which owns and frees them. */
import { WS } from '../../layout.js';
import type { LibFunction } from '../context.js';

const ARENA_BLOCK_BYTES = 1 << 20;
const TEMP_BLOCK_BYTES = 1 << 18;

/** Blocks are linked at +0; what is given out starts at +8. */
function bump(
  name: string,
  next: number,
  end: number,
  blockBytes: number,
  blocks: number | undefined,
  start: number | undefined,
): LibFunction {
  return {
    name,
    params: ['i32', 'i32', 'i32'],
    results: ['i32'],
    build(f, ctx) {
      const [qs, ws, bytes] = f.params;
      const at = f.local('i32');
      const block = f.local('i32');
      const size = f.local('i32');
      const twice = f.local('i32');
      // Round up to 8 bytes; unsigned, addresses may be above 2 GiB.
      f.get(bytes).i32(7).op('i32.add').i32(-8).op('i32.and').set(bytes);
      f.get(ws).mem('i32.load', next).set(at);
      f.get(ws).mem('i32.load', end).get(at).op('i32.sub').get(bytes).op('i32.lt_u');
      f.if(() => {
        f.i32(blockBytes)
          .get(bytes)
          .i32(16)
          .op('i32.add')
          .get(bytes)
          .i32(blockBytes - 16)
          .op('i32.lt_u')
          .op('select')
          .set(size);
        if (start !== undefined) {
          // Twice the block before: a call that needs much finds it in one block the next time, and what the calls
          // before left behind stays below twice the need.
          f.get(ws)
            .mem('i32.load', end)
            .get(ws)
            .mem('i32.load', start)
            .op('i32.sub')
            .i32(1)
            .op('i32.shl')
            .set(twice);
          f.get(twice).get(size).get(twice).get(size).op('i32.gt_u').op('select').set(size);
        }
        f.get(qs).get(size).call(ctx.host.alloc).set(block);
        if (blocks !== undefined) {
          f.get(block).get(ws).mem('i32.load', blocks).mem('i32.store');
          f.get(ws).get(block).mem('i32.store', blocks);
        }
        f.get(block).i32(8).op('i32.add').set(at);
        f.get(ws).get(block).get(size).op('i32.add').mem('i32.store', end);
        if (start !== undefined) f.get(ws).get(at).mem('i32.store', start);
      });
      f.get(ws).get(at).get(bytes).op('i32.add').mem('i32.store', next);
      f.get(at);
    },
  };
}

/** (qs, ws, bytes) -> address, 8-byte aligned, not zeroed; lives as long as the query. */
export const arenaAlloc = bump(
  'arena_alloc',
  WS.arenaNext,
  WS.arenaEnd,
  ARENA_BLOCK_BYTES,
  WS.arenaBlocks,
  undefined,
);

/** (qs, ws, bytes) -> address, 8-byte aligned, not zeroed; lives until the run function returns. A new block becomes
 *  the temp space for good: the old one may still be read in this call, and is freed with the query. */
export const tempAlloc = bump(
  'temp_alloc',
  WS.tempNext,
  WS.tempEnd,
  TEMP_BLOCK_BYTES,
  undefined,
  WS.tempStart,
);

/** (qs, ws, str) -> str with its bytes in the arena. */
export const copyToArena: LibFunction = {
  name: 'copy_to_arena',
  params: ['i32', 'i32', 'i64'],
  results: ['i64'],
  build(f, ctx) {
    const [qs, ws, str] = f.params;
    const to = f.local('i32');
    const length = f.local('i32');
    f.get(str).i64(32n).op('i64.shr_u').op('i32.wrap_i64').tee(length).op('i32.eqz');
    f.if(() => {
      f.i64(0n).return();
    });
    f.get(qs).get(ws).get(length).call(ctx.lib(arenaAlloc)).tee(to);
    f.get(str).op('i32.wrap_i64').get(length).memoryCopy();
    f.get(to).op('i64.extend_i32_u').get(str).i64(-4294967296n).op('i64.and').op('i64.or');
  },
};

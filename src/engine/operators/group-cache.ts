/** Finding a group without hashing, when its keys have few possible values: an array of row addresses indexed by the
 *  keys' codes, in front of the hash table.
 *
 *  Codes of dictionary columns hold for one batch, so that array lives in temp space and starts empty with each call;
 *  codes of integers with small guaranteed ranges always mean the same, and theirs stays in the worker state. Group
 *  rows never move, so an entry stays true. */
import type { ColId } from '../../types/ids.js';
import { tempAlloc } from '../codegen/lib/memory.js';
import type { Val } from '../codegen/val.js';
import type { Local } from '../wasm/module-builder.js';
import type { Pipeline } from './pipeline.js';
import { rangeIndex } from './range-index.js';

const MAX_ENTRIES = 4096;

export type GroupCache = { lookup(row: Local, find: () => void): void };

/** For keys that are all columns with codes; undefined when one is not. Emits its prologue. */
export function openCodeCache(p: Pipeline, ids: readonly ColId[]): GroupCache | undefined {
  const columns = ids.map((id) => p.dicts.get(id));
  if (columns.length === 0 || !columns.every((d) => d !== undefined)) return undefined;
  const { e, f } = p;
  const cache = f.local('i32');
  const entries = f.local('i32');
  f.i32(1).set(entries);
  for (const d of columns) {
    f.get(entries).get(d.count).op('i32.mul').tee(entries).i32(MAX_ENTRIES).op('i32.gt_u');
    f.if(() => f.i32(0).set(entries));
  }
  f.i32(0).set(cache);
  f.get(entries);
  f.if(() => {
    f.get(p.qs).get(p.ws).get(entries).i32(2).op('i32.shl').call(e.ctx.lib(tempAlloc)).tee(cache);
    f.i32(0).get(entries).i32(2).op('i32.shl').memoryFill();
  });
  const slot = f.local('i32');
  return {
    lookup(row, find) {
      f.i32(0).set(row);
      f.get(cache);
      f.if(() => {
        columns.forEach((d, i) => {
          if (i > 0) f.get(d.count).op('i32.mul');
          d.pushCode();
          if (i > 0) f.op('i32.add');
        });
        f.i32(2).op('i32.shl').get(cache).op('i32.add').tee(slot).mem('i32.load').set(row);
      });
      f.get(row).op('i32.eqz');
      f.if(() => {
        e.scoped(find);
        f.get(cache);
        f.if(() => f.get(slot).get(row).mem('i32.store'));
      });
    },
  };
}

/** For keys whose values lie in small guaranteed ranges; undefined when some do not. */
export function rangeCache(p: Pipeline, keys: readonly Val[]): GroupCache | undefined {
  let entries = 1n;
  for (const k of keys) {
    if (k.range === undefined || (k.repr !== 'i32' && k.repr !== 'i64')) return undefined;
    entries *= k.range.max - k.range.min + (k.isNull === undefined ? 1n : 2n);
    if (entries > MAX_ENTRIES || entries <= 0n) return undefined;
  }
  const { e, f } = p;
  const at = e.ctx.allocWs(Number(entries) * 4);
  const slot = f.local('i32');
  return {
    lookup(row, find) {
      const code = e.local('i32');
      keys.forEach((k, i) => {
        const { min, max } = k.range!;
        const values = Number(max - min) + 1;
        const index = rangeIndex(e, k, min, values);
        // The last code is NULL's.
        if (i > 0)
          f.get(code)
            .i32(k.isNull === undefined ? values : values + 1)
            .op('i32.mul')
            .get(index)
            .op('i32.add')
            .set(code);
        else f.get(index).set(code);
      });
      f.get(code)
        .i32(2)
        .op('i32.shl')
        .get(p.ws)
        .op('i32.add')
        .tee(slot)
        .mem('i32.load', at)
        .tee(row)
        .op('i32.eqz');
      f.if(() => {
        e.scoped(find);
        f.get(slot).get(row).mem('i32.store', at);
      });
    },
  };
}

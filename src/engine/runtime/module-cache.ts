/** Compiled modules by what they were compiled from: the slice with its constants, the layouts of its leaves.
 *
 *  A module that ran before is also one that V8 has optimised; a plan that is run again starts with that code. No
 *  result is kept, only code. Entries are least-recently-used; modules still running keep themselves alive. */
import { createHash } from 'node:crypto';
import { Packr } from 'msgpackr';
import type { Slice } from '../../plan/physical.js';
import type { CompiledSlice, CompileEnv } from '../api.js';
import { compileSlice } from '../operators/compile.js';

export type CachedModule = {
  readonly key: string;
  readonly compiled: CompiledSlice;
  readonly module: WebAssembly.Module;
};

const packr = new Packr({ useRecords: false, useBigIntExtension: true });

export class ModuleCache {
  private readonly entries = new Map<string, Promise<CachedModule>>();
  private readonly max: number;

  constructor(max: number) {
    this.max = max;
  }

  get(slice: Slice, env: CompileEnv): Promise<CachedModule> {
    if (this.max === 0) return compile('', slice, env);
    const key = createHash('sha256')
      .update(sliceKey(slice))
      .update(packr.pack([[...env.layouts], env.instrument, env.workers]))
      .digest('base64');
    const known = this.entries.get(key);
    if (known) {
      this.entries.delete(key);
      this.entries.set(key, known);
      return known;
    }
    const made = compile(key, slice, env);
    this.entries.set(key, made);
    made.catch(() => this.entries.delete(key));
    if (this.entries.size > this.max) this.entries.delete(this.entries.keys().next().value!);
    return made;
  }
}

const sliceKeys = new WeakMap<Slice, Buffer>();

/** Slices are immutable: the digest of one is computed once. */
function sliceKey(slice: Slice): Buffer {
  let key = sliceKeys.get(slice);
  if (key === undefined) {
    key = createHash('sha256')
      .update(packr.pack([slice.root, slice.sink, slice.gang.length, slice.without]))
      .digest();
    sliceKeys.set(slice, key);
  }
  return key;
}

async function compile(key: string, slice: Slice, env: CompileEnv): Promise<CachedModule> {
  const compiled = compileSlice(slice, env);
  return { key, compiled, module: await WebAssembly.compile(compiled.wasm) };
}

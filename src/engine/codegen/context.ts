/** What one compiled slice shares between its functions: the module, the host imports, the layout of query state and
 *  worker state, constant data, parameters, host calls, and the runtime library (`lib/`), of which each function is
 *  added to the module when it is first used.
 *
 *  Invariant: offsets are given out once and never move; equal constants and host calls share one place. */
import type { EngineTechnique } from '../../plan/techniques.js';
import { functionById } from '../../types/functions/registry.js';
import type { FunctionDef } from '../../types/functions/registry-types.js';
import { type Repr, reprOf, type SqlType } from '../../types/sql-type.js';
import type { HostCall } from '../api.js';
import { QS, WS } from '../layout.js';
import { type Func, type FunctionBuilder, ModuleBuilder, type ValType } from '../wasm/module-builder.js';
import { reprBytes } from './val.js';

/** A function of the runtime library; `name` identifies it (with its parameters, if it is generated for some). */
export type LibFunction = {
  readonly name: string;
  readonly params: readonly ValType[];
  readonly results: readonly ValType[];
  readonly build: (f: FunctionBuilder, ctx: SliceContext) => void;
};

export type ParamSlot = {
  readonly index: number;
  /** Of the value; its null flag (i32) is at offset - 8. */
  readonly offset: number;
  readonly type: SqlType;
  readonly repr: Repr;
};

export type SliceContextOptions = {
  readonly functions?: (id: string) => FunctionDef | undefined;
  readonly without?: readonly EngineTechnique[] | undefined;
};

export class SliceContext {
  readonly module = new ModuleBuilder();
  /** `alloc(qs, bytes) -> address`, `free(qs, address)`, `fail(number, detail)` (does not return),
   *  `call(index, ws, arguments) -> 0 value | 1 null | 2 result bytes wait to be fetched` (see host-calls.ts). */
  readonly host: { readonly alloc: Func; readonly free: Func; readonly fail: Func; readonly call: Func };
  readonly functions: (id: string) => FunctionDef | undefined;
  readonly params: ParamSlot[] = [];
  readonly hostCalls: HostCall[] = [];
  readonly data: { readonly offset: number; readonly bytes: Uint8Array }[] = [];
  private readonly libFunctions = new Map<string, Func>();
  private readonly hostCallIndex = new Map<string, number>();
  private readonly dataIndex = new Map<string, number>();
  private qsBytes: number = QS.slots;
  private wsBytes: number = WS.slots;
  private readonly without: readonly EngineTechnique[];
  private argsOffset: { offset: number; bytes: number } | undefined;

  constructor(options: SliceContextOptions = {}) {
    this.functions = options.functions ?? functionById;
    this.without = options.without ?? [];
    const m = this.module;
    m.importMemory(1, 65536);
    this.host = {
      alloc: m.importFunction('host', 'alloc', ['i32', 'i32'], ['i32']),
      free: m.importFunction('host', 'free', ['i32', 'i32'], []),
      fail: m.importFunction('host', 'fail', ['i32', 'i32'], []),
      call: m.importFunction('host', 'call', ['i32', 'i32', 'i32'], ['i32']),
    };
  }

  uses(technique: EngineTechnique): boolean {
    return !this.without.includes(technique);
  }

  get queryStateBytes(): number {
    return (this.qsBytes + 63) & ~63;
  }

  get workerStateBytes(): number {
    return (this.wsBytes + 63) & ~63;
  }

  /** Bytes in the query state (zero at start), shared by all workers. Returns their offset. */
  allocQs(bytes: number, align = 8): number {
    const at = (this.qsBytes + align - 1) & -align;
    this.qsBytes = at + bytes;
    return at;
  }

  /** Bytes in each worker's state (zero at start). Returns their offset. */
  allocWs(bytes: number, align = 8): number {
    const at = (this.wsBytes + align - 1) & -align;
    this.wsBytes = at + bytes;
    return at;
  }

  /** Constant bytes in the query state; the same bytes are stored once. */
  dataBytes(bytes: Uint8Array, align = 1): number {
    const key = `${align}:${Buffer.from(bytes).toString('latin1')}`;
    let at = this.dataIndex.get(key);
    if (at === undefined) {
      at = this.allocQs(Math.max(1, bytes.length), align);
      this.data.push({ offset: at, bytes });
      this.dataIndex.set(key, at);
    }
    return at;
  }

  dataString(text: string): number {
    return this.dataBytes(new TextEncoder().encode(text));
  }

  /** Index for `host.call`. */
  hostCall(call: HostCall): number {
    const key = JSON.stringify(call);
    let at = this.hostCallIndex.get(key);
    if (at === undefined) {
      at = this.hostCalls.length;
      this.hostCalls.push(call);
      this.hostCallIndex.set(key, at);
    }
    return at;
  }

  param(index: number, type: SqlType): ParamSlot {
    const known = this.params.find((p) => p.index === index);
    if (known) return known;
    const repr = reprOf(type);
    const slot = { index, offset: this.allocQs(8 + reprBytes(repr)) + 8, type, repr };
    this.params.push(slot);
    return slot;
  }

  lib(def: LibFunction): Func {
    const known = this.libFunctions.get(def.name);
    if (known) return known;
    const f = this.module.func(def.params, def.results);
    this.libFunctions.set(def.name, f.func);
    def.build(f, this);
    return f.func;
  }

  /** Offset in the worker state of the area where arguments of a host call are written. */
  hostArgs(bytes: number): number {
    if (this.argsOffset === undefined || this.argsOffset.bytes < bytes)
      this.argsOffset = { offset: this.allocWs(Math.max(bytes, 128), 16), bytes: Math.max(bytes, 128) };
    return this.argsOffset.offset;
  }
}

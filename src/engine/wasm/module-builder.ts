/** Writes WebAssembly modules in their binary form, straight from code generators: no text, no toolkit.
 *
 *  Owns: byte encoding, sections, locals, structured control with labels that cannot go stale. Knows nothing of SQL.
 *  Not validating: `WebAssembly.compile` is the validator (tests compile everything they build).
 *  Source: WebAssembly core specification, chapter 5 (binary format). */
import { LANE_OPS, type LaneOp, MEMORY_OPS, type MemoryOp, OPS, type Op } from './opcodes.js';

export type ValType = 'i32' | 'i64' | 'f32' | 'f64' | 'v128';

const VAL_TYPE: Record<ValType, number> = { i32: 0x7f, i64: 0x7e, f32: 0x7d, f64: 0x7c, v128: 0x7b };

class ByteBuffer {
  private buf = new Uint8Array(1024);
  length = 0;

  byte(b: number): void {
    if (this.length === this.buf.length) this.grow(1);
    this.buf[this.length++] = b;
  }

  bytes(b: ArrayLike<number>): void {
    if (this.length + b.length > this.buf.length) this.grow(b.length);
    this.buf.set(b, this.length);
    this.length += b.length;
  }

  u32(n: number): void {
    let v = n >>> 0;
    while (v > 0x7f) {
      this.byte((v & 0x7f) | 0x80);
      v >>>= 7;
    }
    this.byte(v);
  }

  s32(n: number): void {
    let v = n | 0;
    for (;;) {
      const b = v & 0x7f;
      v >>= 7;
      if ((v === 0 && (b & 0x40) === 0) || (v === -1 && (b & 0x40) !== 0)) {
        this.byte(b);
        return;
      }
      this.byte(b | 0x80);
    }
  }

  s64(n: bigint): void {
    let v = BigInt.asIntN(64, n);
    for (;;) {
      const b = Number(v & 0x7fn);
      v >>= 7n;
      if ((v === 0n && (b & 0x40) === 0) || (v === -1n && (b & 0x40) !== 0)) {
        this.byte(b);
        return;
      }
      this.byte(b | 0x80);
    }
  }

  name(s: string): void {
    const b = new TextEncoder().encode(s);
    this.u32(b.length);
    this.bytes(b);
  }

  view(): Uint8Array {
    return this.buf.subarray(0, this.length);
  }

  private grow(n: number): void {
    const next = new Uint8Array(Math.max(this.buf.length * 2, this.length + n));
    next.set(this.view());
    this.buf = next;
  }
}

export type Local = { readonly index: number; readonly type: ValType };
/** A branch target: valid inside the block or loop that created it. */
export type Label = { readonly depth: number };
export type Func = {
  readonly index: number;
  readonly params: readonly ValType[];
  readonly results: readonly ValType[];
};
export type Global = { readonly index: number; readonly type: ValType };

/** Emits the body of one function, instruction by instruction (stack machine). Methods return `this` to chain. */
export class FunctionBuilder {
  readonly func: Func;
  readonly params: readonly Local[];
  private readonly code = new ByteBuffer();
  private readonly localTypes: ValType[] = [];
  private readonly free: Record<ValType, Local[]> = { i32: [], i64: [], f32: [], f64: [], v128: [] };
  private depth = 0;

  constructor(func: Func) {
    this.func = func;
    this.params = func.params.map((type, index) => ({ index, type }));
  }

  /** A new local; zero at function entry only (a local inside a loop keeps its last value). */
  local(type: ValType): Local {
    const reused = this.free[type].pop();
    if (reused) return reused;
    this.localTypes.push(type);
    return { index: this.params.length + this.localTypes.length - 1, type };
  }

  /** Gives a local back for reuse by `local`: only when no emitted code below will read it. */
  release(l: Local): void {
    if (l.index >= this.params.length) this.free[l.type].push(l);
  }

  op(op: Op): this {
    this.code.bytes(OPS[op]);
    return this;
  }

  /** Load, store or atomic; the address (and value) are on the stack. Alignment is only a hint except for atomics. */
  mem(op: MemoryOp, offset = 0): this {
    const [bytes, align] = MEMORY_OPS[op];
    this.code.bytes(bytes);
    this.code.u32(align);
    this.code.u32(offset);
    return this;
  }

  lane(op: LaneOp, lane: number): this {
    this.code.bytes(LANE_OPS[op]);
    this.code.byte(lane);
    return this;
  }

  shuffle(lanes: readonly number[]): this {
    this.code.bytes([0xfd, 13]);
    this.code.bytes(lanes);
    return this;
  }

  v128(bytes: readonly number[]): this {
    this.code.bytes([0xfd, 12]);
    this.code.bytes(bytes);
    return this;
  }

  i32(n: number): this {
    this.code.byte(0x41);
    this.code.s32(n);
    return this;
  }

  i64(n: bigint): this {
    this.code.byte(0x42);
    this.code.s64(n);
    return this;
  }

  f32(n: number): this {
    this.code.byte(0x43);
    this.code.bytes(new Uint8Array(new Float32Array([n]).buffer));
    return this;
  }

  f64(n: number): this {
    this.code.byte(0x44);
    this.code.bytes(new Uint8Array(new Float64Array([n]).buffer));
    return this;
  }

  get(l: Local): this {
    this.code.byte(0x20);
    this.code.u32(l.index);
    return this;
  }

  set(l: Local): this {
    this.code.byte(0x21);
    this.code.u32(l.index);
    return this;
  }

  tee(l: Local): this {
    this.code.byte(0x22);
    this.code.u32(l.index);
    return this;
  }

  globalGet(g: Global): this {
    this.code.byte(0x23);
    this.code.u32(g.index);
    return this;
  }

  globalSet(g: Global): this {
    this.code.byte(0x24);
    this.code.u32(g.index);
    return this;
  }

  call(f: Func): this {
    this.code.byte(0x10);
    this.code.u32(f.index);
    return this;
  }

  /** memory.copy: destination, source, length on the stack. */
  memoryCopy(): this {
    this.code.bytes([0xfc, 10, 0, 0]);
    return this;
  }

  /** memory.fill: destination, byte, length on the stack. */
  memoryFill(): this {
    this.code.bytes([0xfc, 11, 0]);
    return this;
  }

  /** `br(label)` inside leaves the block, forwards. */
  block(body: (exit: Label) => void, result?: ValType): this {
    return this.structured(0x02, body, result);
  }

  /** `br(label)` inside goes back to the start; falling off the end leaves the loop. */
  loop(body: (again: Label) => void, result?: ValType): this {
    return this.structured(0x03, body, result);
  }

  /** Condition (i32) on the stack. */
  if(then: (exit: Label) => void, otherwise?: (exit: Label) => void, result?: ValType): this {
    this.code.byte(0x04);
    this.code.byte(result === undefined ? 0x40 : VAL_TYPE[result]);
    this.depth++;
    const label = { depth: this.depth };
    then(label);
    if (otherwise) {
      this.code.byte(0x05);
      otherwise(label);
    }
    this.depth--;
    this.code.byte(0x0b);
    return this;
  }

  br(label: Label): this {
    this.code.byte(0x0c);
    this.code.u32(this.depth - label.depth);
    return this;
  }

  brIf(label: Label): this {
    this.code.byte(0x0d);
    this.code.u32(this.depth - label.depth);
    return this;
  }

  return(): this {
    return this.op('return');
  }

  /** `while (condition) body`: `condition` leaves an i32. */
  while(condition: () => void, body: (exit: Label) => void): this {
    return this.block((exit) => {
      this.loop((again) => {
        condition();
        this.op('i32.eqz').brIf(exit);
        body(exit);
        this.br(again);
      });
    });
  }

  encode(): Uint8Array {
    if (this.depth !== 0) throw new Error('unbalanced blocks');
    const head = new ByteBuffer();
    const runs: { type: ValType; count: number }[] = [];
    for (const type of this.localTypes) {
      const last = runs.at(-1);
      if (last && last.type === type) last.count++;
      else runs.push({ type, count: 1 });
    }
    head.u32(runs.length);
    for (const r of runs) {
      head.u32(r.count);
      head.byte(VAL_TYPE[r.type]);
    }
    head.bytes(this.code.view());
    head.byte(0x0b);
    return head.view();
  }

  private structured(opcode: number, body: (label: Label) => void, result?: ValType): this {
    this.code.byte(opcode);
    this.code.byte(result === undefined ? 0x40 : VAL_TYPE[result]);
    this.depth++;
    body({ depth: this.depth });
    this.depth--;
    this.code.byte(0x0b);
    return this;
  }
}

/** One module. Imports must be declared before the first function. */
export class ModuleBuilder {
  private readonly types: string[] = [];
  private readonly typeDefs: { params: readonly ValType[]; results: readonly ValType[] }[] = [];
  private readonly imports: { module: string; name: string; type: number }[] = [];
  private readonly functions: { type: number; builder: FunctionBuilder }[] = [];
  private readonly exports: { name: string; index: number }[] = [];
  private readonly globals: { type: ValType; init: bigint }[] = [];
  private memory: { initial: number; maximum: number } | undefined;
  private sealed = false;

  /** The shared memory that every function works on, imported as `env.memory`. Sizes in 64 KiB pages. */
  importMemory(initialPages: number, maximumPages: number): void {
    this.memory = { initial: initialPages, maximum: maximumPages };
  }

  importFunction(
    module: string,
    name: string,
    params: readonly ValType[],
    results: readonly ValType[],
  ): Func {
    if (this.sealed) throw new Error('imports come before functions');
    this.imports.push({ module, name, type: this.typeIndex(params, results) });
    return { index: this.imports.length - 1, params, results };
  }

  /** Declares a function; its body may be emitted at any time before `encode`, so functions can call each other. */
  func(params: readonly ValType[], results: readonly ValType[], exportName?: string): FunctionBuilder {
    this.sealed = true;
    const func: Func = { index: this.imports.length + this.functions.length, params, results };
    const builder = new FunctionBuilder(func);
    this.functions.push({ type: this.typeIndex(params, results), builder });
    if (exportName !== undefined) this.exports.push({ name: exportName, index: func.index });
    return builder;
  }

  /** A mutable global of this instance (so: of one worker). */
  global(type: 'i32' | 'i64', init = 0n): Global {
    this.globals.push({ type, init });
    return { index: this.globals.length - 1, type };
  }

  encode(): Uint8Array {
    const out = new ByteBuffer();
    out.bytes([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
    this.section(out, 1, (b) => {
      b.u32(this.typeDefs.length);
      for (const t of this.typeDefs) {
        b.byte(0x60);
        b.u32(t.params.length);
        for (const p of t.params) b.byte(VAL_TYPE[p]);
        b.u32(t.results.length);
        for (const r of t.results) b.byte(VAL_TYPE[r]);
      }
    });
    this.section(out, 2, (b) => {
      b.u32(this.imports.length + (this.memory ? 1 : 0));
      for (const i of this.imports) {
        b.name(i.module);
        b.name(i.name);
        b.byte(0);
        b.u32(i.type);
      }
      if (this.memory) {
        b.name('env');
        b.name('memory');
        b.bytes([2, 3]);
        b.u32(this.memory.initial);
        b.u32(this.memory.maximum);
      }
    });
    this.section(out, 3, (b) => {
      b.u32(this.functions.length);
      for (const f of this.functions) b.u32(f.type);
    });
    if (this.globals.length > 0)
      this.section(out, 6, (b) => {
        b.u32(this.globals.length);
        for (const g of this.globals) {
          b.byte(VAL_TYPE[g.type]);
          b.byte(1);
          b.byte(g.type === 'i32' ? 0x41 : 0x42);
          b.s64(g.init);
          b.byte(0x0b);
        }
      });
    this.section(out, 7, (b) => {
      b.u32(this.exports.length);
      for (const e of this.exports) {
        b.name(e.name);
        b.byte(0);
        b.u32(e.index);
      }
    });
    this.section(out, 10, (b) => {
      b.u32(this.functions.length);
      for (const f of this.functions) {
        const body = f.builder.encode();
        b.u32(body.length);
        b.bytes(body);
      }
    });
    return out.view().slice();
  }

  private typeIndex(params: readonly ValType[], results: readonly ValType[]): number {
    const key = `${params.join()}:${results.join()}`;
    const known = this.types.indexOf(key);
    if (known >= 0) return known;
    this.types.push(key);
    this.typeDefs.push({ params, results });
    return this.types.length - 1;
  }

  private section(out: ByteBuffer, id: number, fill: (b: ByteBuffer) => void): void {
    const b = new ByteBuffer();
    fill(b);
    out.byte(id);
    out.u32(b.length);
    out.bytes(b.view());
  }
}

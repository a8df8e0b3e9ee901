/** The loops of storage's encoding as WebAssembly over the shared memory: bounds and widths of integers, dictionaries of
 *  strings, copies. Structurally what `storage/encode-kernels.ts` asks for.
 *
 *  Invariant: nothing outside of the given values and strings is read, not even a byte. */
import type { SharedMemory } from '../runtime/shared-memory.js';
import { type Func, type FunctionBuilder, type Local, ModuleBuilder } from '../wasm/module-builder.js';
import type { MemoryOp } from '../wasm/opcodes.js';

type Width = 1 | 2 | 4 | 8;
const WIDTHS: readonly Width[] = [1, 2, 4, 8];
const LOAD: Record<Width, MemoryOp> = {
  1: 'i64.load8_s',
  2: 'i64.load16_s',
  4: 'i64.load32_s',
  8: 'i64.load',
};
const STORE: Record<Width, MemoryOp> = {
  1: 'i64.store8',
  2: 'i64.store16',
  4: 'i64.store32',
  8: 'i64.store',
};

/** Where the parts of a dictionary under way lie. */
export type DictionaryLayout = {
  readonly slots: number;
  readonly count: number;
  readonly strings: number;
  readonly stringBytes: number;
  readonly table: number;
  readonly smallRows: number;
  readonly smallStringsMax: number;
};

type Exports = Readonly<Record<string, (...args: number[]) => number>>;

/** Of one process: made once, in the main thread. */
export class WasmKernels {
  private readonly exports: Exports;
  private readonly layout: DictionaryLayout;

  constructor(memory: SharedMemory, layout: DictionaryLayout) {
    this.layout = layout;
    const module = new WebAssembly.Module(buildKernels(layout));
    const { exports } = new WebAssembly.Instance(module, { env: { memory: memory.memory } });
    this.exports = exports as unknown as Exports;
  }

  copy(source: number, bytes: number, target: number): void {
    this.exports.copy!(target, source, bytes);
  }

  shift(offsets: number, count: number, delta: number, target: number): void {
    this.exports.shift!(offsets, offsets + count * 4, delta, target);
  }

  range(width: Width, data: number, rows: number, bounds: number): void {
    this.exports[`range${width}`]!(data, data + rows * width, bounds);
  }

  convert(from: Width, to: Width, data: number, rows: number, target: number): void {
    if (from === to) this.copy(data, rows * from, target);
    else this.exports[`convert${from}to${to}`]!(data, data + rows * from, target);
  }

  dictionaryClear(dictionary: number): void {
    const { slots, table, count } = this.layout;
    this.exports.fill!(dictionary + table, 0, slots * 4);
    this.exports.fill!(dictionary + count, 0, 4);
  }

  dictionaryAdd(
    dictionary: number,
    offsets: number,
    data: number,
    rows: number,
    codes: number,
    limit: number,
    seen: number,
  ): boolean {
    return this.exports.dictionary!(dictionary, offsets, data, rows, codes, limit, seen) === 1;
  }
}

function buildKernels(layout: DictionaryLayout): Uint8Array {
  const m = new ModuleBuilder();
  m.importMemory(1, 65536);
  const copy = m.func(['i32', 'i32', 'i32'], [], 'copy');
  for (const p of copy.params) copy.get(p);
  copy.memoryCopy();
  const fill = m.func(['i32', 'i32', 'i32'], [], 'fill');
  for (const p of fill.params) fill.get(p);
  fill.memoryFill();
  buildShift(m);
  for (const from of WIDTHS) {
    buildRange(m, from);
    for (const to of WIDTHS) if (to !== from) buildConvert(m, from, to);
  }
  buildDictionary(m, layout, buildHash(m), buildEqual(m));
  return m.encode();
}

/** Runs `body` for each `step` bytes from `at` to `end`. */
function each(f: FunctionBuilder, at: Local, end: Local, step: number, body: () => void): void {
  f.while(
    () => f.get(at).get(end).op('i32.lt_u'),
    () => {
      body();
      f.get(at).i32(step).op('i32.add').set(at);
    },
  );
}

function buildShift(m: ModuleBuilder): void {
  const f = m.func(['i32', 'i32', 'i32', 'i32'], [], 'shift');
  const [at, end, delta, target] = f.params as [Local, Local, Local, Local];
  each(f, at, end, 4, () => {
    f.get(target).get(at).mem('i32.load').get(delta).op('i32.add').mem('i32.store');
    f.get(target).i32(4).op('i32.add').set(target);
  });
}

function buildRange(m: ModuleBuilder, width: Width): void {
  const f = m.func(['i32', 'i32', 'i32'], [], `range${width}`);
  const [at, end, bounds] = f.params as [Local, Local, Local];
  const [min, max, v] = [f.local('i64'), f.local('i64'), f.local('i64')];
  f.get(bounds).mem('i64.load').set(min).get(bounds).mem('i64.load', 8).set(max);
  each(f, at, end, width, () => {
    f.get(at).mem(LOAD[width]).set(v);
    f.get(v).get(min).get(v).get(min).op('i64.lt_s').op('select').set(min);
    f.get(v).get(max).get(v).get(max).op('i64.gt_s').op('select').set(max);
  });
  f.get(bounds).get(min).mem('i64.store').get(bounds).get(max).mem('i64.store', 8);
}

function buildConvert(m: ModuleBuilder, from: Width, to: Width): void {
  const f = m.func(['i32', 'i32', 'i32'], [], `convert${from}to${to}`);
  const [at, end, target] = f.params as [Local, Local, Local];
  each(f, at, end, from, () => {
    f.get(target).get(at).mem(LOAD[from]).mem(STORE[to]);
    f.get(target).i32(to).op('i32.add').set(target);
  });
}

const FACTOR = -0x61c8864680b583ebn;

/** (string, bytes) -> 32 bits. Every byte counts; the last eight, or four, may be read twice. */
function buildHash(m: ModuleBuilder): Func {
  const f = m.func(['i32', 'i32'], ['i32']);
  const [at, bytes] = f.params as [Local, Local];
  const end = f.local('i32');
  const h = f.local('i64');
  /** A word is on the stack. */
  const mix = (): void => {
    f.get(h).op('i64.xor').i64(FACTOR).op('i64.mul').tee(h);
    f.get(h).i64(32n).op('i64.shr_u').op('i64.xor').set(h);
  };
  f.get(bytes).op('i64.extend_i32_u').set(h);
  f.get(at).get(bytes).op('i32.add').set(end);
  f.get(bytes)
    .i32(8)
    .op('i32.ge_u')
    .if(
      () => {
        const last = f.local('i32');
        f.get(end).i32(8).op('i32.sub').set(last);
        each(f, at, last, 8, () => {
          f.get(at).mem('i64.load');
          mix();
        });
        f.get(last).mem('i64.load');
        mix();
      },
      () => {
        f.get(bytes)
          .i32(4)
          .op('i32.ge_u')
          .if(
            () => {
              f.get(at).mem('i64.load32_u');
              f.get(end).i32(4).op('i32.sub').mem('i64.load32_u').i64(32n).op('i64.shl').op('i64.or');
              mix();
            },
            () => {
              f.get(bytes).if(() => {
                f.get(at).mem('i64.load8_u');
                f.get(at).get(bytes).i32(1).op('i32.shr_u').op('i32.add').mem('i64.load8_u');
                f.i64(8n).op('i64.shl').op('i64.or');
                f.get(end).i32(1).op('i32.sub').mem('i64.load8_u').i64(16n).op('i64.shl').op('i64.or');
                mix();
              });
            },
          );
      },
    );
  f.get(h).op('i32.wrap_i64');
  return f.func;
}

/** (string, string, bytes of both) -> 1 when they are equal. */
function buildEqual(m: ModuleBuilder): Func {
  const f = m.func(['i32', 'i32', 'i32'], ['i32']);
  const [a, b, bytes] = f.params as [Local, Local, Local];
  const last = f.local('i32');
  f.block((differ) => {
    f.get(bytes)
      .i32(8)
      .op('i32.ge_u')
      .if(() => {
        f.get(a).get(bytes).op('i32.add').i32(8).op('i32.sub').set(last);
        each(f, a, last, 8, () => {
          f.get(a).mem('i64.load').get(b).mem('i64.load').op('i64.ne').brIf(differ);
          f.get(b).i32(8).op('i32.add').set(b);
        });
        // Back from wherever the last whole word ended.
        f.get(b).get(a).get(last).op('i32.sub').op('i32.sub').mem('i64.load');
        f.get(last).mem('i64.load').op('i64.eq').return();
      });
    f.get(a).get(bytes).op('i32.add').set(last);
    each(f, a, last, 1, () => {
      f.get(a).mem('i32.load8_u').get(b).mem('i32.load8_u').op('i32.ne').brIf(differ);
      f.get(b).i32(1).op('i32.add').set(b);
    });
    f.i32(1).return();
  });
  f.i32(0);
  return f.func;
}

/** (dictionary, offsets, data, rows, codes, limit, seen) -> 1, or 0 when it gives up. */
function buildDictionary(m: ModuleBuilder, layout: DictionaryLayout, hash: Func, equal: Func): void {
  const f = m.func(['i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32'], ['i32'], 'dictionary');
  const [d, offsets, data, rows, codes, limit, seen] = f.params as [
    Local,
    Local,
    Local,
    Local,
    Local,
    Local,
    Local,
  ];
  const [at, bytes, h, slot, code, entry, end, count] = Array.from({ length: 8 }, () => f.local('i32')) as [
    Local,
    Local,
    Local,
    Local,
    Local,
    Local,
    Local,
    Local,
  ];
  f.get(d).mem('i32.load', layout.count).set(count);
  f.get(offsets).get(rows).i32(2).op('i32.shl').op('i32.add').set(end);
  each(f, offsets, end, 4, () => {
    f.get(offsets).mem('i32.load', 4).get(offsets).mem('i32.load').op('i32.sub').set(bytes);
    f.get(data).get(offsets).mem('i32.load').op('i32.add').set(at);
    f.get(at).get(bytes).call(hash).tee(h);
    f.i32(layout.slots - 1)
      .op('i32.and')
      .set(slot);
    f.block((found) => {
      f.loop((again) => {
        f.get(d).get(slot).i32(2).op('i32.shl').op('i32.add').mem('i32.load', layout.table).tee(code);
        f.if(() => {
          f.get(d)
            .get(code)
            .i32(1)
            .op('i32.sub')
            .i32(layout.stringBytes)
            .op('i32.mul')
            .op('i32.add')
            .i32(layout.strings)
            .op('i32.add')
            .set(entry);
          f.get(entry).mem('i32.load', 8).get(h).op('i32.eq');
          f.if(() => {
            f.get(entry).mem('i32.load', 4).get(bytes).op('i32.eq');
            f.if(() => {
              f.get(entry).mem('i32.load').get(at).get(bytes).call(equal).brIf(found);
            });
          });
          f.get(slot)
            .i32(1)
            .op('i32.add')
            .i32(layout.slots - 1)
            .op('i32.and')
            .set(slot);
          f.br(again);
        });
      });
      // Not there: `slot` is free.
      f.get(count).get(limit).op('i32.eq');
      f.if(() => f.i32(0).return());
      f.get(seen).i32(layout.smallRows).op('i32.sub').i32(layout.smallRows).op('i32.lt_u');
      f.get(count).i32(layout.smallStringsMax).op('i32.gt_u').op('i32.and');
      f.if(() => f.i32(0).return());
      f.get(d)
        .get(count)
        .i32(layout.stringBytes)
        .op('i32.mul')
        .op('i32.add')
        .i32(layout.strings)
        .op('i32.add')
        .set(entry);
      f.get(entry).get(at).mem('i32.store');
      f.get(entry).get(bytes).mem('i32.store', 4);
      f.get(entry).get(h).mem('i32.store', 8);
      f.get(count).i32(1).op('i32.add').tee(count).set(code);
      f.get(d).get(count).mem('i32.store', layout.count);
      f.get(d).get(slot).i32(2).op('i32.shl').op('i32.add').get(code).mem('i32.store', layout.table);
    });
    f.get(codes).get(code).i32(1).op('i32.sub').mem('i32.store16');
    f.get(codes).i32(2).op('i32.add').set(codes);
    f.get(seen).i32(1).op('i32.add').set(seen);
  });
  f.i32(1);
}

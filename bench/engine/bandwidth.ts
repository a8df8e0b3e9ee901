/** What the machine's memory gives one thread: the yardstick beside every operator. Bytes copied (not read plus written), best
 *  of several copies of `BYTES`, which no cache holds. */
import type { TestMemory } from '../../src/engine/operators/testing.js';
import { ModuleBuilder } from '../../src/engine/wasm/module-builder.js';
import { timed } from './runner.js';

const BYTES = 256 << 20;
const COPIES = 7;

export type Bandwidth = {
  /** `memcpy` of the C library, through Buffer.copy. */
  readonly memcpy: number;
  /** `memory.copy` inside the shared memory that compiled queries work on. */
  readonly wasmCopy: number;
  /** A loop of 16-byte loads over the same memory: what a scan that does nothing can reach. */
  readonly wasmRead: number;
};

function best(run: () => void): number {
  let ms = Number.POSITIVE_INFINITY;
  for (let i = 0; i < COPIES; i++) ms = Math.min(ms, timed(run));
  return (BYTES / ms) * 1000;
}

function memoryModule(): Uint8Array {
  const m = new ModuleBuilder();
  m.importMemory(1, 65_536);
  const copy = m.func(['i32', 'i32', 'i32'], [], 'copy');
  copy.get(copy.params[0]!).get(copy.params[1]!).get(copy.params[2]!).memoryCopy();
  const read = m.func(['i32', 'i32'], ['i64'], 'read');
  const [at, end] = [read.params[0]!, read.params[1]!];
  const sums = [read.local('v128'), read.local('v128'), read.local('v128'), read.local('v128')];
  read.loop((again) => {
    for (const [i, sum] of sums.entries())
      read
        .get(sum)
        .get(at)
        .mem('v128.load', i * 16)
        .op('i64x2.add')
        .set(sum);
    read.get(at).i32(64).op('i32.add').tee(at).get(end).op('i32.lt_u').brIf(again);
  });
  read.get(sums[0]!);
  for (const sum of sums.slice(1)) read.get(sum).op('i64x2.add');
  const total = read.local('v128');
  read.tee(total).lane('i64x2.extract_lane', 0).get(total).lane('i64x2.extract_lane', 1).op('i64.add');
  return m.encode();
}

export function measureBandwidth(tm: TestMemory): Bandwidth {
  const source = Buffer.alloc(BYTES, 7);
  const target = Buffer.alloc(BYTES, 1);
  const memcpy = best(() => source.copy(target));
  const { memory } = tm;
  const from = memory.alloc(BYTES);
  const to = memory.alloc(BYTES);
  try {
    memory.u8.fill(3, from, from + BYTES);
    memory.u8.fill(1, to, to + BYTES);
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(memoryModule()), {
      env: { memory: memory.memory },
    });
    const copy = exports.copy as (to: number, from: number, bytes: number) => void;
    const read = exports.read as (from: number, end: number) => bigint;
    const expected = BigInt.asIntN(64, 0x0303030303030303n * BigInt(BYTES / 8));
    if (read(from, from + BYTES) !== expected) throw new Error('the reading loop sums up wrongly');
    const wasmCopy = best(() => copy(to, from, BYTES));
    if (memory.u8[to + BYTES - 1] !== 3) throw new Error('memory.copy did not copy');
    return { memcpy, wasmCopy, wasmRead: best(() => read(from, from + BYTES)) };
  } finally {
    memory.free(from);
    memory.free(to);
  }
}

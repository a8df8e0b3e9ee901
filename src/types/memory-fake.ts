/** A `MemoryPool` over a plain SharedArrayBuffer, for tests of whatever works in shared memory without the engine.
 *
 *  First fit over a sorted list of blocks; freed memory is overwritten, so that a use after free shows. */
import type { MemoryPool } from './memory.js';
import { SqlError } from './sql-error.js';

const ALIGN = 64;

export class FakePool implements MemoryPool {
  readonly u8: Uint8Array;
  readonly i32: Int32Array;
  readonly u32: Uint32Array;
  readonly limitBytes: number;
  usedBytes = 0;
  /** Live blocks by address: their sizes. */
  readonly blocks = new Map<number, number>();
  private free_: { address: number; size: number }[];
  private readonly evictors: ((neededBytes: number) => number)[] = [];

  constructor(limitBytes = 64 << 20) {
    const buffer = new SharedArrayBuffer(limitBytes + ALIGN);
    this.u8 = new Uint8Array(buffer);
    this.i32 = new Int32Array(buffer);
    this.u32 = new Uint32Array(buffer);
    this.limitBytes = limitBytes;
    this.free_ = [{ address: ALIGN, size: Math.floor(limitBytes / ALIGN) * ALIGN }];
  }

  alloc(sizeBytes: number): number {
    const size = Math.max(ALIGN, Math.ceil(sizeBytes / ALIGN) * ALIGN);
    for (;;) {
      const i = this.free_.findIndex((f) => f.size >= size);
      if (i >= 0) {
        const f = this.free_[i]!;
        if (f.size === size) this.free_.splice(i, 1);
        else this.free_[i] = { address: f.address + size, size: f.size - size };
        this.blocks.set(f.address, size);
        this.usedBytes += size;
        return f.address;
      }
      let freed = 0;
      for (const evict of this.evictors) freed += evict(size);
      if (freed === 0) throw new SqlError('53200', 'out of memory');
    }
  }

  free(address: number): void {
    const size = this.blocks.get(address);
    if (size === undefined) throw new Error(`free of ${address}, which is not allocated`);
    this.blocks.delete(address);
    this.usedBytes -= size;
    this.u8.fill(0xdd, address, address + size);
    const i = this.free_.findIndex((f) => f.address > address);
    const at = i < 0 ? this.free_.length : i;
    this.free_.splice(at, 0, { address, size });
    for (const k of [at, at - 1]) {
      const a = this.free_[k];
      const b = this.free_[k + 1];
      if (a !== undefined && b !== undefined && a.address + a.size === b.address) {
        a.size += b.size;
        this.free_.splice(k + 1, 1);
      }
    }
  }

  onPressure(evict: (neededBytes: number) => number): void {
    this.evictors.push(evict);
  }
}

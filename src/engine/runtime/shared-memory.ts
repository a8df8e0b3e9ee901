/** The allocator of a process's shared memory: two-level segregated fit over 4 KiB granules, with all of its
 *  bookkeeping inside the memory, so that main thread and workers allocate from it alike.
 *
 *  Invariants: blocks are runs of granules, tiled without gaps; a free block never neighbours a free block; every
 *  block belongs to at most one owner list (the blocks of one query), which is freed as a whole. Guarded by one
 *  spin lock: sections are a few hundred nanoseconds.
 *  Source: Masmano et al., "TLSF: a new dynamic memory allocator for real-time systems", ECRTS 2004. */

import type { MemoryPool } from '../../types/memory.js';
import { assert, SqlError } from '../../types/sql-error.js';

const GRANULE_SHIFT = 12;
const GRANULE = 1 << GRANULE_SHIFT;
const SUB_SHIFT = 4;
const SUB = 1 << SUB_SHIFT;
const LEVELS = 21;
const FREE = 0x80000000;
const NONE = 0xffffffff;

/** Header words (u32 index). */
const LOCK = 0;
const GRANULES = 1;
const FIRST = 2;
const USED = 3;
const PEAK = 4;
const LEVEL_BITS = 5;
const SUB_BITS = 6;
const HEADS = SUB_BITS + LEVELS;
const HEADER_WORDS = HEADS + LEVELS * SUB;
const HEADER_BYTES = 4096;
/** Used by `eviction.ts`. */
export const EVICTION_WORDS = HEADER_BYTES / 4 - 4;
export const EVICT_ROUNDS = 8;

export class SharedMemory implements MemoryPool {
  readonly u8: Uint8Array;
  readonly i32: Int32Array;
  readonly u32: Uint32Array;
  readonly i64: BigInt64Array;
  readonly memory: WebAssembly.Memory;
  private readonly evictors: ((neededBytes: number) => number)[] = [];
  private readonly granules: number;
  /** u32 indices of the per-granule tables: size|free at head and tail of a block, free-list and owner-list links. */
  private readonly tSize: number;
  private readonly tNext: number;
  private readonly tPrev: number;

  /** Attaches to a memory that `create` has formatted (in workers), or that is about to be. */
  constructor(memory: WebAssembly.Memory) {
    this.memory = memory;
    const b = memory.buffer;
    this.u8 = new Uint8Array(b);
    this.i32 = new Int32Array(b);
    this.u32 = new Uint32Array(b);
    this.i64 = new BigInt64Array(b);
    this.granules = Math.floor(b.byteLength / GRANULE);
    this.tSize = HEADER_BYTES / 4;
    this.tNext = this.tSize + this.granules;
    this.tPrev = this.tNext + this.granules;
  }

  /** A new shared memory of `limitBytes` (rounded down to 64 KiB, at most 4 GiB). The operating system backs pages when
   *  they are first touched. Throws 53200 when the address space cannot be had. */
  static create(limitBytes: number): SharedMemory {
    const pages = Math.min(65536, Math.max(256, Math.floor(limitBytes / 65536)));
    let memory: WebAssembly.Memory;
    try {
      memory = new WebAssembly.Memory({ initial: pages, maximum: 65536, shared: true });
    } catch (e) {
      throw new SqlError(
        '53200',
        `cannot reserve ${Math.floor((pages * 65536) / 1048576)} MB of shared memory`,
        {
          detail: e instanceof Error ? e.message : String(e),
          hint: 'Start the process with a smaller --memory.',
        },
      );
    }
    const m = new SharedMemory(memory);
    m.format();
    return m;
  }

  get limitBytes(): number {
    return this.granules * GRANULE;
  }

  get usedBytes(): number {
    return this.u32[USED]! * GRANULE;
  }

  get peakBytes(): number {
    return this.u32[PEAK]! * GRANULE;
  }

  onPressure(evict: (neededBytes: number) => number): void {
    this.evictors.push(evict);
  }

  alloc(sizeBytes: number): number {
    let a = this.tryAlloc(sizeBytes);
    // What is evicted lies scattered: it may take more than one round until a block of that size is free.
    for (let round = 0; a === 0 && round < EVICT_ROUNDS && this.evict(sizeBytes) > 0; round++)
      a = this.tryAlloc(sizeBytes);
    if (a !== 0) return a;
    throw new SqlError('53200', 'out of memory', {
      detail: `An allocation of ${sizeBytes} bytes failed; ${this.usedBytes} of ${this.limitBytes} bytes are in use.`,
      hint: 'Start the process with a larger --memory, or run more segments.',
    });
  }

  /** Has those who can (the buffer pool) give up memory; returns the bytes freed. Main thread only. */
  evict(neededBytes: number): number {
    let freed = 0;
    for (const evict of this.evictors) freed += evict(neededBytes);
    return freed;
  }

  /** 0 when there is no block that large. */
  tryAlloc(sizeBytes: number): number {
    const want = Math.max(1, Math.ceil(sizeBytes / GRANULE));
    this.lock();
    try {
      const g = this.take(want);
      if (g === NONE) return 0;
      const used = this.u32[USED]! + want;
      this.u32[USED] = used;
      if (used > this.u32[PEAK]!) this.u32[PEAK] = used;
      return g * GRANULE;
    } finally {
      this.unlock();
    }
  }

  free(address: number): void {
    const g = this.granuleOf(address);
    this.lock();
    try {
      this.give(g);
    } finally {
      this.unlock();
    }
  }

  /** Size in bytes of an allocated block. */
  sizeOf(address: number): number {
    return (this.u32[this.tSize + (address >>> 0) / GRANULE]! & ~FREE) * GRANULE;
  }

  /** Allocates and links the block into the owner list whose head is the u32 at `ownerHead`. */
  allocOwned(ownerHead: number, sizeBytes: number): number {
    const want = Math.max(1, Math.ceil(sizeBytes / GRANULE));
    this.lock();
    try {
      const g = this.take(want);
      if (g === NONE) return 0;
      const used = this.u32[USED]! + want;
      this.u32[USED] = used;
      if (used > this.u32[PEAK]!) this.u32[PEAK] = used;
      const head = this.u32[ownerHead >>> 2]!;
      this.u32[this.tNext + g] = head;
      this.u32[this.tPrev + g] = 0;
      if (head !== 0) this.u32[this.tPrev + head] = g;
      this.u32[ownerHead >>> 2] = g;
      return g * GRANULE;
    } finally {
      this.unlock();
    }
  }

  /** Takes one block out of an owner list without freeing it; returns its bytes. */
  disown(ownerHead: number, address: number): number {
    const g = this.granuleOf(address);
    this.lock();
    try {
      return this.unlink(ownerHead, g);
    } finally {
      this.unlock();
    }
  }

  /** Frees one block of an owner list; returns its bytes. */
  freeOwned(ownerHead: number, address: number): number {
    const g = this.granuleOf(address);
    this.lock();
    try {
      const bytes = this.unlink(ownerHead, g);
      this.give(g);
      return bytes;
    } finally {
      this.unlock();
    }
  }

  /** Frees every block of an owner list. */
  freeAllOwned(ownerHead: number): void {
    this.lock();
    try {
      let g = this.u32[ownerHead >>> 2]!;
      this.u32[ownerHead >>> 2] = 0;
      while (g !== 0) {
        const next = this.u32[this.tNext + g]!;
        this.give(g);
        g = next;
      }
    } finally {
      this.unlock();
    }
  }

  /** Walks all blocks and throws when an invariant does not hold (tests). */
  check(): { free: number; used: number } {
    let free = 0;
    let used = 0;
    let wasFree = false;
    for (let g = this.u32[FIRST]!; g < this.granules; ) {
      const word = this.u32[this.tSize + g]!;
      const size = (word & ~FREE) >>> 0;
      const isFree = (word & FREE) !== 0;
      assert(size > 0, `block of no size at ${g}`);
      assert(this.u32[this.tSize + g + size - 1] === word, `head and tail differ at ${g}`);
      assert(!(isFree && wasFree), `free neighbours at ${g}`);
      if (isFree) free += size;
      else used += size;
      wasFree = isFree;
      g += size;
    }
    assert(used === this.u32[USED], 'used count');
    return { free: free * GRANULE, used: used * GRANULE };
  }

  private format(): void {
    assert(HEADER_WORDS * 4 <= HEADER_BYTES, 'header fits');
    const first = Math.ceil((HEADER_BYTES + this.granules * 12) / GRANULE);
    this.u32.fill(NONE, HEADS, HEADS + LEVELS * SUB);
    this.u32[GRANULES] = this.granules;
    this.u32[FIRST] = first;
    this.insert(first, this.granules - first);
  }

  private granuleOf(address: number): number {
    const g = (address >>> 0) / GRANULE;
    assert(Number.isInteger(g) && g > 0 && g < this.granules, `not a block: ${address}`);
    return g;
  }

  private unlink(ownerHead: number, g: number): number {
    const next = this.u32[this.tNext + g]!;
    const prev = this.u32[this.tPrev + g]!;
    if (prev === 0) this.u32[ownerHead >>> 2] = next;
    else this.u32[this.tNext + prev] = next;
    if (next !== 0) this.u32[this.tPrev + next] = prev;
    return this.u32[this.tSize + g]! * GRANULE;
  }

  private lock(): void {
    for (let spins = 0; Atomics.compareExchange(this.i32, LOCK, 0, 1) !== 0; spins++)
      if (spins > 1000) Atomics.wait(this.i32, LOCK, 1, 1);
  }

  private unlock(): void {
    Atomics.store(this.i32, LOCK, 0);
  }

  private mapping(size: number): number {
    if (size < SUB) return size;
    const level = 31 - Math.clz32(size);
    return (level - SUB_SHIFT + 1) * SUB + ((size >>> (level - SUB_SHIFT)) & (SUB - 1));
  }

  private insert(g: number, size: number): void {
    const bin = this.mapping(size);
    const word = (size | FREE) >>> 0;
    this.u32[this.tSize + g] = word;
    this.u32[this.tSize + g + size - 1] = word;
    const head = this.u32[HEADS + bin]!;
    this.u32[this.tNext + g] = head;
    this.u32[this.tPrev + g] = NONE;
    if (head !== NONE) this.u32[this.tPrev + head] = g;
    this.u32[HEADS + bin] = g;
    this.u32[SUB_BITS + (bin >>> SUB_SHIFT)]! |= 1 << (bin & (SUB - 1));
    this.u32[LEVEL_BITS]! |= 1 << (bin >>> SUB_SHIFT);
  }

  private remove(g: number, size: number): void {
    const bin = this.mapping(size);
    const next = this.u32[this.tNext + g]!;
    const prev = this.u32[this.tPrev + g]!;
    if (next !== NONE) this.u32[this.tPrev + next] = prev;
    if (prev !== NONE) this.u32[this.tNext + prev] = next;
    else {
      this.u32[HEADS + bin] = next;
      if (next === NONE) {
        const level = bin >>> SUB_SHIFT;
        this.u32[SUB_BITS + level]! &= ~(1 << (bin & (SUB - 1)));
        if (this.u32[SUB_BITS + level] === 0) this.u32[LEVEL_BITS]! &= ~(1 << level);
      }
    }
  }

  private take(want: number): number {
    // Round up to the next bin, so that any block found there is large enough.
    const level = 31 - Math.clz32(want);
    const rounded = want < SUB ? want : want + (1 << (level - SUB_SHIFT)) - 1;
    let bin = this.mapping(rounded);
    let bits = this.u32[SUB_BITS + (bin >>> SUB_SHIFT)]! & (~0 << (bin & (SUB - 1)));
    if (bits === 0) {
      const above = (bin >>> SUB_SHIFT) + 1;
      const levels = above > 31 ? 0 : this.u32[LEVEL_BITS]! & (~0 << above);
      if (levels === 0) return this.takeExact(want);
      const found = 31 - Math.clz32(levels & -levels);
      bits = this.u32[SUB_BITS + found]!;
      bin = found << SUB_SHIFT;
    }
    bin = ((bin >>> SUB_SHIFT) << SUB_SHIFT) | (31 - Math.clz32(bits & -bits));
    return this.split(this.u32[HEADS + bin]!, want);
  }

  /** When no larger bin has a block, one in the request's own bin may still fit. */
  private takeExact(want: number): number {
    for (let g = this.u32[HEADS + this.mapping(want)]!; g !== NONE; g = this.u32[this.tNext + g]!)
      if ((this.u32[this.tSize + g]! & ~FREE) >>> 0 >= want) return this.split(g, want);
    return NONE;
  }

  private split(g: number, want: number): number {
    const size = (this.u32[this.tSize + g]! & ~FREE) >>> 0;
    this.remove(g, size);
    this.u32[this.tSize + g] = want;
    this.u32[this.tSize + g + want - 1] = want;
    if (size > want) this.insert(g + want, size - want);
    return g;
  }

  private give(g: number): void {
    let start = g;
    let size = this.u32[this.tSize + g]!;
    assert((size & FREE) === 0 && size > 0, `double free of granule ${g}`);
    this.u32[USED]! -= size;
    const after = g + size;
    if (after < this.granules) {
      const word = this.u32[this.tSize + after]!;
      if ((word & FREE) !== 0) {
        const n = (word & ~FREE) >>> 0;
        this.remove(after, n);
        size += n;
      }
    }
    if (g > this.u32[FIRST]!) {
      const word = this.u32[this.tSize + g - 1]!;
      if ((word & FREE) !== 0) {
        const n = (word & ~FREE) >>> 0;
        start = g - n;
        this.remove(start, n);
        size += n;
      }
    }
    this.insert(start, size);
  }
}

/** The buffer pool: columns of row groups in shared memory, kept across queries.
 *
 *  Owns: loading, pinning, eviction (least recently used first, when the memory pool is under pressure), and the
 *  conversion of a column to a wider encoding. Must not know: tables, snapshots, queries.
 *  Invariants: a pinned column's address does not change and its bytes are never written; a column that is loaded
 *  has been checked against its CRC, so that its codes and offsets may be trusted. */
import { crc32 } from 'node:zlib';
import { aligned } from '../types/arrow/message.js';
import type { Encoding, MemoryPool } from '../types/memory.js';
import { convertColumn } from './convert-column.js';
import type { FileCache } from './file-cache.js';
import { ioError } from './io-error.js';
import type { Region, RowGroup } from './row-group.js';

/** Where a column lies in memory; fields as in a batch descriptor. */
export type ColumnBuffers = {
  readonly encoding: Encoding;
  readonly data: number;
  readonly dataBytes: number;
  readonly validity: number;
  /** Offsets of `utf8`, string references of dictionaries. */
  readonly offsets: number;
  readonly dictCount: number;
};

const EVICT_BYTES_MIN = 4 << 20;

type State = 'loading' | 'ready' | 'failed';

export class CachedColumn {
  readonly groupId: number;
  readonly key: string;
  /** Zero while a converted copy has no memory yet. */
  address: number;
  bytes: number;
  state: State = 'loading';
  error: unknown;
  buffers: ColumnBuffers | undefined;
  pins = 1;
  /** No longer findable: freed with its last pin. */
  doomed = false;
  waiters: (() => void)[] = [];

  constructor(groupId: number, key: string, address: number, bytes: number) {
    this.groupId = groupId;
    this.key = key;
    this.address = address;
    this.bytes = bytes;
  }

  get ready(): boolean {
    return this.state !== 'loading';
  }
}

export class BufferPool {
  readonly memory: MemoryPool;
  private readonly files: FileCache;
  private readonly columns = new Map<string, CachedColumn>();
  private readonly byGroup = new Map<number, Set<string>>();
  /** Unpinned and ready, least recently used first. */
  private readonly idle = new Map<string, CachedColumn>();
  /** Bytes of all columns, and what they should stay below: a worker that must ask for an eviction waits for it. */
  private cachedBytes = 0;
  private readonly shareBytes: number;
  private loads = 0;
  private quiet: (() => void)[] = [];
  bytesRead = 0;

  /** `shareBytes`: unpinned columns are evicted when all columns together take more. */
  constructor(memory: MemoryPool, files: FileCache, shareBytes: number) {
    this.memory = memory;
    this.files = files;
    this.shareBytes = shareBytes;
    // Just enough bytes seldom make a block of that size: columns lie scattered.
    memory.onPressure((needed) => this.evict(Math.max(2 * needed, EVICT_BYTES_MIN)));
  }

  /** The column pinned, in its own or in a wider encoding; loading may still be under way (`whenReady`). `scale`: of
   *  integers that become numerics in bytes. Throws 53200 when there is no memory for it. */
  acquire(path: string, group: RowGroup, ordinal: number, encoding?: Encoding, scale?: number): CachedColumn {
    const chunk = group.columns[ordinal];
    if (chunk === undefined) throw new Error(`row group ${group.id} has no column ${ordinal}`);
    const to = encoding ?? chunk.encoding;
    const key = `${group.id}.${ordinal}.${to}`;
    const known = this.columns.get(key);
    if (known !== undefined) {
      known.pins++;
      this.idle.delete(key);
      return known;
    }
    return to === chunk.encoding
      ? this.load(key, path, group, ordinal)
      : this.convert(key, path, group, ordinal, to, scale);
  }

  whenReady(column: CachedColumn, callback: () => void): void {
    if (column.ready) callback();
    else column.waiters.push(callback);
  }

  release(column: CachedColumn): void {
    if (--column.pins > 0 || column.state === 'loading') return;
    if (column.doomed || column.state === 'failed') this.discard(column);
    else this.idle.set(column.key, column);
  }

  /** Forgets a row group's columns; those that are pinned go with their last pin. */
  forget(groupId: number): void {
    for (const key of this.byGroup.get(groupId) ?? []) {
      const column = this.columns.get(key)!;
      column.doomed = true;
      this.columns.delete(key);
      this.idle.delete(key);
      if (column.pins === 0 && column.ready) this.free(column);
    }
    this.byGroup.delete(groupId);
  }

  /** Frees unpinned columns until `neededBytes` have been freed or none is left. */
  evict(neededBytes: number): number {
    let freed = 0;
    for (const column of this.idle.values()) {
      if (freed >= neededBytes) break;
      freed += column.bytes;
      this.discard(column);
    }
    return freed;
  }

  /** Resolves when no read is under way. */
  async settled(): Promise<void> {
    while (this.loads > 0) await new Promise<void>((resolve) => this.quiet.push(resolve));
  }

  private discard(column: CachedColumn): void {
    this.idle.delete(column.key);
    if (!column.doomed) {
      this.columns.delete(column.key);
      this.byGroup.get(column.groupId)?.delete(column.key);
    }
    column.doomed = true;
    this.free(column);
  }

  private free(column: CachedColumn): void {
    if (column.address === 0) return;
    this.memory.free(column.address);
    this.cachedBytes -= column.bytes;
    column.address = 0;
  }

  private allocate(bytes: number): number {
    const excess = this.cachedBytes + bytes - this.shareBytes;
    if (excess > 0) this.evict(excess);
    const address = this.memory.alloc(bytes);
    this.cachedBytes += bytes;
    return address;
  }

  private add(column: CachedColumn): CachedColumn {
    this.columns.set(column.key, column);
    let keys = this.byGroup.get(column.groupId);
    if (keys === undefined) {
      keys = new Set();
      this.byGroup.set(column.groupId, keys);
    }
    keys.add(column.key);
    return column;
  }

  private done(column: CachedColumn, error: unknown): void {
    if (error === undefined) column.state = 'ready';
    else {
      column.state = 'failed';
      column.error = error;
      // The next query tries again.
      if (!column.doomed) {
        this.columns.delete(column.key);
        this.byGroup.get(column.groupId)?.delete(column.key);
        column.doomed = true;
      }
    }
    if (column.pins === 0) {
      column.pins = 1;
      this.release(column);
    }
    const waiters = column.waiters;
    column.waiters = [];
    for (const w of waiters) w();
  }

  private load(key: string, path: string, group: RowGroup, ordinal: number): CachedColumn {
    const { region, dictionary, encoding, dictCount } = group.columns[ordinal]!;
    const dictAt = aligned(region.bytes);
    const refsAt = dictAt + (dictionary === undefined ? 0 : aligned(dictionary.bytes));
    const bytes = Math.max(64, refsAt + dictCount * 8);
    const address = this.allocate(bytes);
    const column = this.add(new CachedColumn(group.id, key, address, bytes));
    const parts: { region: Region; at: number }[] = [{ region, at: address }];
    if (dictionary !== undefined) parts.push({ region: dictionary, at: address + dictAt });
    let left = parts.length;
    let failure: unknown;
    this.loads++;
    const partDone = (error: unknown): void => {
      failure ??= error;
      if (--left > 0) return;
      this.loads--;
      if (failure === undefined) {
        try {
          for (const p of parts) this.verify(p.region, p.at);
          if (dictionary !== undefined)
            this.buildRefs(address + dictAt, dictionary, address + refsAt, dictCount);
          column.buffers = {
            encoding,
            data: address + region.data,
            dataBytes: region.dataBytes,
            validity: region.validity < 0 ? 0 : address + region.validity,
            offsets:
              dictionary !== undefined ? address + refsAt : region.offsets < 0 ? 0 : address + region.offsets,
            dictCount,
          };
        } catch (e) {
          failure = e;
        }
      }
      this.done(
        column,
        failure === undefined ? undefined : ioError(`could not read row group ${path}`, failure),
      );
      if (this.loads === 0) for (const resolve of this.quiet.splice(0)) resolve();
    };
    for (const { region: r, at } of parts) {
      this.bytesRead += r.bytes;
      if (r.bytes === 0) process.nextTick(partDone, undefined);
      else
        this.files.read(path, r.at, r.bytes, (n) => this.memory.u8.subarray(at + n, at + r.bytes), partDone);
    }
    return column;
  }

  private verify(region: Region, address: number): void {
    const crc = crc32(this.memory.u8.subarray(address, address + region.bytes));
    if (crc !== region.crc) throw new Error(`the checksum at byte ${region.at} does not match`);
  }

  private buildRefs(strings: number, dictionary: Region, refs: number, count: number): void {
    const { u32, i32 } = this.memory;
    const offsets = (strings + dictionary.offsets) >>> 2;
    const data = strings + dictionary.data;
    for (let i = 0; i < count; i++) {
      const start = i32[offsets + i]!;
      u32[(refs >>> 2) + i * 2] = data + start;
      u32[(refs >>> 2) + i * 2 + 1] = i32[offsets + i + 1]! - start;
    }
  }

  /** Loads the column as it is, then makes a converted copy with memory of its own. */
  private convert(
    key: string,
    path: string,
    group: RowGroup,
    ordinal: number,
    to: Encoding,
    scale: number | undefined,
  ): CachedColumn {
    const native = this.acquire(path, group, ordinal);
    const column = this.add(new CachedColumn(group.id, key, 0, 0));
    this.whenReady(native, () => {
      let error = native.error;
      if (error === undefined)
        try {
          const converted = convertColumn(this.memory, native.buffers!, to, group.rows, scale);
          column.address = converted.address;
          column.bytes = converted.bytes;
          column.buffers = converted.buffers;
          this.cachedBytes += converted.bytes;
        } catch (e) {
          error = e;
        }
      this.release(native);
      this.done(column, error);
    });
    return column;
  }
}

/** The buffer pool: columns of row groups in shared memory, kept across queries.
 *
 *  Owns: loading, pinning, eviction (least recently used first, when the memory pool is under pressure), and the
 *  conversion of a column to a wider encoding. Must not know: tables, snapshots, queries.
 *  Invariants: a pinned column's address does not change and its bytes are never written; a column that is loaded
 *  has been checked against its CRC, so that its codes and offsets may be trusted. */
import { crc32 } from 'node:zlib';
import { aligned } from '../types/arrow/message.js';
import { ENCODING_CODE, type Encoding, type MemoryPool } from '../types/memory.js';
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
  /** Which column of the row group, in which encoding. */
  readonly slot: number;
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
  /** Neighbours in the list of idle columns; undefined while it is not in it. */
  before: CachedColumn | undefined;
  after: CachedColumn | undefined;

  constructor(groupId: number, slot: number, address: number, bytes: number) {
    this.groupId = groupId;
    this.slot = slot;
    this.address = address;
    this.bytes = bytes;
  }

  get ready(): boolean {
    return this.state !== 'loading';
  }
}

export type BufferPoolOptions = {
  readonly memory: MemoryPool;
  readonly files: FileCache;
  readonly path: (group: RowGroup) => string;
  /** Unpinned columns are evicted when all columns together take more. */
  readonly shareBytes: number;
};

/** Encodings have smaller codes. */
const SLOTS_PER_COLUMN = 16;

export class BufferPool {
  readonly memory: MemoryPool;
  private readonly files: FileCache;
  private readonly path: (group: RowGroup) => string;
  /** By row group, then by slot. */
  private readonly groups = new Map<number, (CachedColumn | undefined)[]>();
  /** Head of the ring of columns that are unpinned and ready: after it the least recently used. */
  private readonly idle = new CachedColumn(0, 0, 0, 0);
  /** Bytes of all columns, and what they should stay below: a worker that must ask for an eviction waits for it. */
  private cachedBytes = 0;
  private readonly shareBytes: number;
  private loads = 0;
  private quiet: (() => void)[] = [];
  bytesRead = 0;

  constructor({ memory, files, path, shareBytes }: BufferPoolOptions) {
    this.memory = memory;
    this.files = files;
    this.path = path;
    this.shareBytes = shareBytes;
    this.idle.before = this.idle;
    this.idle.after = this.idle;
    // Just enough bytes seldom make a block of that size: columns lie scattered.
    memory.onPressure((needed) => this.evict(Math.max(2 * needed, EVICT_BYTES_MIN)));
  }

  /** The column pinned, in its own or in a wider encoding; loading may still be under way (`whenReady`). `scale`: of
   *  integers that become numerics in bytes. Throws 53200 when there is no memory for it. */
  acquire(group: RowGroup, ordinal: number, encoding?: Encoding, scale?: number): CachedColumn {
    const chunk = group.columns[ordinal];
    if (chunk === undefined) throw new Error(`row group ${group.id} has no column ${ordinal}`);
    const to = encoding ?? chunk.encoding;
    const slot = ordinal * SLOTS_PER_COLUMN + ENCODING_CODE[to];
    const known = this.groups.get(group.id)?.[slot];
    if (known !== undefined) {
      if (known.pins++ === 0) this.unlink(known);
      return known;
    }
    return to === chunk.encoding
      ? this.load(slot, group, ordinal)
      : this.convert(slot, group, ordinal, to, scale);
  }

  whenReady(column: CachedColumn, callback: () => void): void {
    if (column.ready) callback();
    else column.waiters.push(callback);
  }

  release(column: CachedColumn): void {
    if (--column.pins > 0 || column.state === 'loading') return;
    if (column.doomed || column.state === 'failed') this.discard(column);
    else this.link(column);
  }

  private link(column: CachedColumn): void {
    const { idle } = this;
    const last = idle.before!;
    column.before = last;
    column.after = idle;
    last.after = column;
    idle.before = column;
  }

  private unlink(column: CachedColumn): void {
    if (column.before === undefined) return;
    column.before.after = column.after;
    column.after!.before = column.before;
    column.before = undefined;
    column.after = undefined;
  }

  /** Forgets a row group's columns; those that are pinned go with their last pin. */
  forget(groupId: number): void {
    const columns = this.groups.get(groupId);
    this.groups.delete(groupId);
    for (const column of columns ?? []) {
      if (column === undefined) continue;
      column.doomed = true;
      this.unlink(column);
      if (column.pins === 0 && column.ready) this.free(column);
    }
  }

  /** Frees unpinned columns until `neededBytes` have been freed or none is left. */
  evict(neededBytes: number): number {
    let freed = 0;
    for (let column = this.idle.after!; column !== this.idle && freed < neededBytes; ) {
      const { after } = column;
      freed += column.bytes;
      this.discard(column);
      column = after!;
    }
    return freed;
  }

  /** Resolves when no read is under way. */
  async settled(): Promise<void> {
    while (this.loads > 0) await new Promise<void>((resolve) => this.quiet.push(resolve));
  }

  private discard(column: CachedColumn): void {
    this.unlink(column);
    if (!column.doomed) this.remove(column);
    column.doomed = true;
    this.free(column);
  }

  /** Nobody finds it any more. */
  private remove(column: CachedColumn): void {
    const columns = this.groups.get(column.groupId);
    if (columns?.[column.slot] === column) columns[column.slot] = undefined;
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
    let columns = this.groups.get(column.groupId);
    if (columns === undefined) {
      columns = [];
      this.groups.set(column.groupId, columns);
    }
    columns[column.slot] = column;
    return column;
  }

  private done(column: CachedColumn, error: unknown): void {
    if (error === undefined) column.state = 'ready';
    else {
      column.state = 'failed';
      column.error = error;
      // The next query tries again.
      if (!column.doomed) {
        this.remove(column);
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

  private load(slot: number, group: RowGroup, ordinal: number): CachedColumn {
    const path = this.path(group);
    const { region, dictionary, encoding, dictCount } = group.columns[ordinal]!;
    const dictAt = aligned(region.bytes);
    const refsAt = dictAt + (dictionary === undefined ? 0 : aligned(dictionary.bytes));
    const bytes = Math.max(64, refsAt + dictCount * 8);
    const address = this.allocate(bytes);
    const column = this.add(new CachedColumn(group.id, slot, address, bytes));
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
    slot: number,
    group: RowGroup,
    ordinal: number,
    to: Encoding,
    scale: number | undefined,
  ): CachedColumn {
    const native = this.acquire(group, ordinal);
    const column = this.add(new CachedColumn(group.id, slot, 0, 0));
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

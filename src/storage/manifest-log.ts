/** An append-only file of checksummed records: what makes a segment's changes durable.
 *
 *  Owns: framing, fsync, group commit, recovery of the tail, atomic replacement by a snapshot. Must not know: what the
 *  records say. Invariants: `append` resolves after fsync; one write is under way at a time and holds one record, so
 *  that after a crash at most the last record is torn; a damaged record with a sound one behind it is no crash and is
 *  refused (XX001, with its offset). Record: marker, length, CRC-32 of the payload, payload (all u32, little-endian). */
import { constants } from 'node:fs';
import { type FileHandle, open, readFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { crc32 } from 'node:zlib';
import { SqlError } from '../types/sql-error.js';
import { ioError } from './io-error.js';

const HEADER = Uint8Array.from('mpp-manifest-1\0\n', (c) => c.charCodeAt(0));
const RECORD_HEADER_BYTES = 12;
const MARKER = 0x4c70706d;

export type Recovered = {
  readonly records: readonly Uint8Array[];
  /** Where the sound part ends; what is behind is a torn write. */
  readonly end: number;
};

export function encodeRecord(payload: Uint8Array): Uint8Array {
  const out = new Uint8Array(RECORD_HEADER_BYTES + payload.length);
  const view = new DataView(out.buffer);
  view.setUint32(0, MARKER, true);
  view.setUint32(4, payload.length, true);
  view.setUint32(8, crc32(payload), true);
  out.set(payload, RECORD_HEADER_BYTES);
  return out;
}

function recordAt(bytes: Uint8Array, view: DataView, at: number): Uint8Array | undefined {
  if (at + RECORD_HEADER_BYTES > bytes.length || view.getUint32(at, true) !== MARKER) return undefined;
  const length = view.getUint32(at + 4, true);
  const start = at + RECORD_HEADER_BYTES;
  if (start + length > bytes.length) return undefined;
  const payload = bytes.subarray(start, start + length);
  return crc32(payload) === view.getUint32(at + 8, true) ? payload : undefined;
}

/** Reads all sound records; refuses damage in the middle. */
export function recover(bytes: Uint8Array, name: string): Recovered {
  if (bytes.length < HEADER.length || HEADER.some((c, i) => bytes[i] !== c))
    throw new SqlError('XX001', `${name} is no manifest of this version`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const records: Uint8Array[] = [];
  let at = HEADER.length;
  for (;;) {
    const payload = recordAt(bytes, view, at);
    if (payload === undefined) break;
    records.push(payload);
    at += RECORD_HEADER_BYTES + payload.length;
  }
  for (let later = at + 1; later + RECORD_HEADER_BYTES <= bytes.length; later++)
    if (recordAt(bytes, view, later) !== undefined)
      throw new SqlError('XX001', `${name} is damaged at byte ${at}`, {
        detail: `A sound record follows at byte ${later}, so this is not the end of an interrupted write.`,
        hint: 'Restore the file from a copy. Nothing has been changed.',
      });
  return { records, end: at };
}

export async function syncDirectory(dir: string): Promise<void> {
  const handle = await open(dir, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** A file that appears whole or not at all, also after a crash. Returns it open for writing; `renamed` is called as
 *  soon as the new file has taken the old one's place. */
async function replaceFile(
  path: string,
  parts: readonly Uint8Array[],
  renamed: (handle: FileHandle) => void = () => {},
): Promise<FileHandle> {
  const temporary = `${path}.tmp`;
  const handle = await open(temporary, 'w+');
  try {
    for (const part of parts) await handle.writeFile(part);
    await handle.sync();
    await rename(temporary, path);
  } catch (e) {
    await handle.close();
    throw e;
  }
  renamed(handle);
  await syncDirectory(dirname(path));
  return handle;
}

type Waiting = {
  readonly item: unknown;
  readonly resolve: () => void;
  readonly reject: (e: unknown) => void;
};

export class ManifestLog<Item> {
  readonly path: string;
  /** Bytes behind the last snapshot. */
  bytes: number;
  private readonly encode: (items: readonly Item[]) => Uint8Array;
  private handle: FileHandle;
  private waiting: Waiting[] = [];
  private running: Promise<void> | undefined;
  private broken: unknown;

  private constructor(
    path: string,
    handle: FileHandle,
    bytes: number,
    encode: (items: readonly Item[]) => Uint8Array,
  ) {
    this.path = path;
    this.handle = handle;
    this.bytes = bytes;
    this.encode = encode;
  }

  /** Opens or creates the log, trims a torn tail, and hands over the records. `encode` packs the items of one record. */
  static async open<Item>(
    path: string,
    encode: (items: readonly Item[]) => Uint8Array,
  ): Promise<{ readonly log: ManifestLog<Item>; readonly records: readonly Uint8Array[] }> {
    let bytes: Uint8Array;
    try {
      bytes = await readFile(path);
    } catch (e) {
      if ((e as NodeJS.ErrnoException).code !== 'ENOENT') throw e;
      const handle = await replaceFile(path, [HEADER]);
      return { log: new ManifestLog(path, handle, HEADER.length, encode), records: [] };
    }
    const { records, end } = recover(bytes, path);
    const handle = await open(path, 'r+');
    if (end < bytes.length) {
      await handle.truncate(end);
      await handle.sync();
    }
    return { log: new ManifestLog(path, handle, end, encode), records };
  }

  /** Resolves when the item is durable. Items that wait together share one record and one fsync. */
  append(item: Item): Promise<void> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ item, resolve, reject });
      this.running ??= this.run();
    });
  }

  private async run(): Promise<void> {
    // The items of this very turn of the event loop join the first record.
    await Promise.resolve();
    while (this.waiting.length > 0) {
      const batch = this.waiting;
      this.waiting = [];
      try {
        await this.write(encodeRecord(this.encode(batch.map((w) => w.item as Item))));
        for (const w of batch) w.resolve();
      } catch (e) {
        for (const w of batch) w.reject(e);
      }
    }
    this.running = undefined;
  }

  private async write(record: Uint8Array): Promise<void> {
    if (this.broken !== undefined) throw this.broken;
    try {
      let done = 0;
      while (done < record.length) {
        const { bytesWritten } = await this.handle.write(
          record,
          done,
          record.length - done,
          this.bytes + done,
        );
        done += bytesWritten;
      }
      await this.handle.datasync();
      this.bytes += record.length;
    } catch (e) {
      // Whatever part of the record is there must go before the next one is written.
      try {
        await this.handle.truncate(this.bytes);
        await this.handle.sync();
      } catch {
        this.broken = e;
      }
      throw ioError(`could not write ${this.path}`, e);
    }
  }

  /** Replaces the log by one record. No `append` may be under way or begin before it resolves. When it fails before
   *  the new file is in place, the log goes on as it was; later, it refuses to be written. */
  async compact(snapshot: Uint8Array): Promise<void> {
    await this.running;
    const record = encodeRecord(snapshot);
    let old: FileHandle | undefined;
    try {
      await replaceFile(this.path, [HEADER, record], (handle) => {
        old = this.handle;
        this.handle = handle;
        this.bytes = HEADER.length + record.length;
      });
    } catch (e) {
      if (old !== undefined) this.broken = e;
      throw e;
    } finally {
      await old?.close();
    }
  }

  async close(): Promise<void> {
    await this.running;
    await this.handle.close();
  }
}

/** The catalog's durable log: a snapshot file and an append-only file of checksummed records after it.
 *
 *  Owns: framing, checksums, fsync, recovery, compaction. Must not know: what a record means. Invariants: `append`
 *  resolves only when the record is on disk; after a crash the state is a prefix of the appended records that holds
 *  every one whose append resolved; a torn tail is cut off, damage before the tail stops the start with an error.
 *  Record: u32 length, u32 crc32 of (sequence, payload), u64 sequence, payload (msgpack). */
import { type FileHandle, open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { Packr } from 'msgpackr';
import { makeDirectory } from '../../types/make-directory.js';

const HEADER_BYTES = 16;
const RECORD_BYTES_MAX = 512 * 1024 * 1024;
const COMPACT_AFTER_BYTES = 4 * 1024 * 1024;

/** bigint keeps its type at any size; plain maps so that records read the same in any process. */
const packr = new Packr({ useRecords: false, largeBigIntToString: false, useBigIntExtension: true });

export type Recovered = {
  /** Undefined when there has been no snapshot yet. */
  readonly snapshot: unknown;
  readonly records: readonly unknown[];
};

export class CatalogLog {
  private readonly directory: string;
  private readonly file: FileHandle;
  private length: number;
  private sequence: number;
  private failed: Error | undefined;

  private constructor(directory: string, file: FileHandle, length: number, sequence: number) {
    this.directory = directory;
    this.file = file;
    this.length = length;
    this.sequence = sequence;
  }

  static async open(directory: string): Promise<{ readonly log: CatalogLog; readonly recovered: Recovered }> {
    makeDirectory(directory);
    const snapshot = await readSnapshot(join(directory, 'catalog.snapshot'));
    const file = await open(join(directory, 'catalog.log'), 'a+');
    try {
      const bytes = await file.readFile();
      const scan = scanRecords(bytes);
      if (scan.length < bytes.length) {
        await file.truncate(scan.length);
        await file.sync();
      }
      await syncDirectory(directory);
      const after = snapshot?.sequence ?? 0;
      const records = scan.records.filter((r) => r.sequence > after);
      const last = scan.records.at(-1)?.sequence ?? 0;
      const log = new CatalogLog(directory, file, scan.length, Math.max(after, last));
      return {
        log,
        recovered: { snapshot: snapshot?.state, records: records.map((r) => packr.unpack(r.payload)) },
      };
    } catch (e) {
      await file.close();
      throw e;
    }
  }

  /** One at a time: the caller waits before it appends again. */
  async append(record: unknown): Promise<void> {
    if (this.failed !== undefined) throw this.failed;
    const bytes = frame(this.sequence + 1, packr.pack(record));
    try {
      await this.file.appendFile(bytes);
      await this.file.datasync();
    } catch (e) {
      await this.undoPartial(e as Error);
      throw e;
    }
    this.sequence++;
    this.length += bytes.length;
  }

  get wantsCompaction(): boolean {
    return this.length > COMPACT_AFTER_BYTES;
  }

  /** Replaces everything so far by `state`. */
  async compact(state: unknown): Promise<void> {
    const path = join(this.directory, 'catalog.snapshot');
    const temporary = `${path}.new`;
    const file = await open(temporary, 'w');
    try {
      await file.writeFile(frame(this.sequence, packr.pack(state)));
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
    await syncDirectory(this.directory);
    await this.file.truncate(0);
    await this.file.sync();
    this.length = 0;
  }

  async close(): Promise<void> {
    await this.file.close();
  }

  /** A record that failed half-way (disk full) must not be followed by others. */
  private async undoPartial(cause: Error): Promise<void> {
    try {
      await this.file.truncate(this.length);
      await this.file.sync();
    } catch {
      this.failed = new Error(`the catalog log cannot be written: ${cause.message}`);
    }
  }
}

function frame(sequence: number, payload: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(HEADER_BYTES + payload.length);
  bytes.writeUInt32LE(payload.length, 0);
  bytes.writeBigUInt64LE(BigInt(sequence), 8);
  bytes.set(payload, HEADER_BYTES);
  bytes.writeUInt32LE(crc32(bytes.subarray(8)), 4);
  return bytes;
}

type ScannedRecord = { readonly sequence: number; readonly payload: Buffer; readonly end: number };

function recordAt(bytes: Buffer, at: number): ScannedRecord | undefined {
  if (at + HEADER_BYTES > bytes.length) return undefined;
  const length = bytes.readUInt32LE(at);
  const end = at + HEADER_BYTES + length;
  if (length > RECORD_BYTES_MAX || end > bytes.length) return undefined;
  if (crc32(bytes.subarray(at + 8, end)) !== bytes.readUInt32LE(at + 4)) return undefined;
  const sequence = Number(bytes.readBigUInt64LE(at + 8));
  return { sequence, payload: bytes.subarray(at + HEADER_BYTES, end), end };
}

export function scanRecords(bytes: Buffer): {
  readonly records: readonly ScannedRecord[];
  readonly length: number;
} {
  const records: ScannedRecord[] = [];
  let at = 0;
  for (;;) {
    const record = recordAt(bytes, at);
    if (record === undefined) break;
    records.push(record);
    at = record.end;
  }
  // A crash tears the last record only; a whole one behind the fault means that the disk lost bytes.
  if (at + HEADER_BYTES <= bytes.length) {
    const next = at + HEADER_BYTES + bytes.readUInt32LE(at);
    if (next < bytes.length && recordAt(bytes, next) !== undefined)
      throw new Error(`the catalog log is damaged at byte ${at}, and intact records follow`);
  }
  return { records, length: at };
}

async function readSnapshot(
  path: string,
): Promise<{ readonly sequence: number; readonly state: unknown } | undefined> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (e) {
    if ((e as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw e;
  }
  const record = recordAt(bytes, 0);
  if (record === undefined || record.end !== bytes.length)
    throw new Error(`the catalog snapshot ${path} is damaged`);
  return { sequence: record.sequence, state: packr.unpack(record.payload) };
}

async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

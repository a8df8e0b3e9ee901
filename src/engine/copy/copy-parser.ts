/** Runs a compiled COPY parser over text in the shared memory: a batch in the same memory, or nothing when it declines.
 *
 *  Owns: the sizes of a batch's buffers before its rows are known. Used by worker threads; the caller owns the text
 *  and the batch. */
import { isUtf8 } from 'node:buffer';
import { encodingBytes, encodingOf } from '../../types/columnar.js';
import type { CopyOptions } from '../../types/copy-options.js';
import type { CopyColumn } from '../../types/copy-text.js';
import {
  BATCH_COLUMN_BYTES,
  BATCH_HEADER_BYTES,
  type ColumnLayout,
  ENCODING_CODE,
} from '../../types/memory.js';
import { requestEviction } from '../runtime/eviction.js';
import { EVICT_ROUNDS, type SharedMemory } from '../runtime/shared-memory.js';
import { buildCopyModule, COPY_SLACK_BYTES, FULL_STRINGS_MAX } from './copy-module.js';

export type ParsedBatch = {
  readonly address: number;
  readonly rows: number;
  readonly layout: readonly ColumnLayout[];
};

export class CopyParser {
  private readonly memory: SharedMemory;
  private readonly columns: readonly CopyColumn[];
  private readonly scan: (at: number, end: number) => bigint;
  private readonly parser: (batch: number, at: number, end: number, ascii: number) => number;

  private constructor(memory: SharedMemory, columns: readonly CopyColumn[], module: WebAssembly.Module) {
    this.memory = memory;
    this.columns = columns;
    const { exports } = new WebAssembly.Instance(module, { env: { memory: memory.memory } });
    this.scan = exports.scan as CopyParser['scan'];
    this.parser = exports.parse as CopyParser['parser'];
  }

  /** Undefined when such input has no compiled parser. */
  static for(
    memory: SharedMemory,
    columns: readonly CopyColumn[],
    options: CopyOptions,
  ): CopyParser | undefined {
    const bytes = buildCopyModule(columns, options);
    if (bytes === undefined) return undefined;
    return new CopyParser(memory, columns, new WebAssembly.Module(bytes));
  }

  /** Whole lines, followed by `COPY_SLACK_BYTES` that may be overwritten. Undefined: declined. */
  parse(text: number, bytes: number): ParsedBatch | undefined {
    const { u8, u32 } = this.memory;
    let end = text + bytes;
    if (bytes > 0 && u8[end - 1] !== 10) u8[end++] = 10;
    const scanned = this.scan(text, end);
    const flags = Number(scanned >> 32n);
    if ((flags & 2) !== 0) return undefined;
    // The check takes no shared memory.
    if ((flags & 1) !== 0 && !isUtf8(u8.slice(text, end))) return undefined;
    const rowsMax = Number(scanned & 0xffffffffn);
    const places = this.layOut(rowsMax, end - text);
    const address = this.alloc(places.bytes);
    if (address === 0) return undefined;
    const header = address >>> 2;
    u32.fill(0, header, header + ((BATCH_HEADER_BYTES + this.columns.length * BATCH_COLUMN_BYTES) >> 2));
    u32[header + 1] = this.columns.length;
    const at = (i: number) => (address + BATCH_HEADER_BYTES + i * BATCH_COLUMN_BYTES) >>> 2;
    places.columns.forEach((place, i) => {
      const d = at(i);
      u32[d] = address + place.data;
      u32[d + 1] = address + place.validity;
      u32[d + 2] = place.offsets === 0 ? 0 : address + place.offsets;
      u32[d + 7] = place.end === 0 ? 0 : address + place.end;
      u32[d + 3] = ENCODING_CODE[encodingOf(this.columns[i]!.type)];
      u8.fill(0xff, address + place.validity, address + place.validity + ((rowsMax + 7) >> 3));
    });
    const rows = this.parser(address, text, end, (flags & 1) ^ 1);
    const refused = this.columns.some((c, i) => c.notNull === true && u32[at(i) + 6] !== 0);
    if (rows < 0 || refused) {
      this.memory.free(address);
      return undefined;
    }
    u32[header] = rows;
    const layout = this.columns.map((c, i): ColumnLayout => {
      const d = at(i);
      const encoding = encodingOf(c.type);
      const nullable = u32[d + 6] !== 0;
      if (!nullable) u32[d + 1] = 0;
      u32[d + 6] = 0;
      u32[d + 7] = 0;
      if (encoding !== 'utf8') u32[d + 5] = rows * encodingBytes(encoding);
      return { encoding, nullable };
    });
    return { address, rows, layout };
  }

  private layOut(rowsMax: number, textBytes: number) {
    const align = (n: number) => (n + 63) & ~63;
    let bytes = align(BATCH_HEADER_BYTES + this.columns.length * BATCH_COLUMN_BYTES);
    const take = (n: number): number => {
      const at = bytes;
      bytes += align(n);
      return at;
    };
    const strings = this.columns.filter((c) => encodingOf(c.type) === 'utf8').length;
    const shared = strings > FULL_STRINGS_MAX;
    const room = shared ? Math.ceil((textBytes * FULL_STRINGS_MAX) / strings) : textBytes;
    let padding = 0;
    const columns = this.columns.map(({ type }) => {
      const encoding = encodingOf(type);
      const validity = take((rowsMax + 7) >> 3);
      if (encoding !== 'utf8') {
        const data = take(rowsMax * encodingBytes(encoding) + 8);
        return { validity, offsets: 0, data, end: 0 };
      }
      const offsets = take((rowsMax + 1) * 4);
      // A number without scale takes up to three bytes more than its digits, a padded string its padding.
      const extra = type.kind === 'bpchar' ? (type.length ?? 0) : type.kind === 'numeric' ? 3 : 0;
      padding = Math.max(padding, extra);
      const size = room + rowsMax * extra;
      const data = take(size + COPY_SLACK_BYTES);
      return { validity, offsets, data, end: data + size };
    });
    if (shared) take(textBytes + padding + COPY_SLACK_BYTES);
    return { columns, bytes };
  }

  private alloc(bytes: number): number {
    let address = this.memory.tryAlloc(bytes);
    for (let round = 0; address === 0 && round < EVICT_ROUNDS && requestEviction(this.memory, bytes); round++)
      address = this.memory.tryAlloc(bytes);
    return address;
  }
}

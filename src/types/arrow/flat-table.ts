/** Reading flatbuffers that nobody vouches for: every access is checked against the bytes.
 *
 *  Owns: tables, vectors and strings of the flatbuffers encoding, little-endian. Must not know: what they mean.
 *  Invariant: bytes from a broken disk or peer give an `ArrowFormatError`, never a read outside of the buffer.
 *  Source: flatbuffers.dev, "FlatBuffer binary format". Writing uses the `flatbuffers` package. */
import { SqlError } from '../sql-error.js';

/** XX001 data_corrupted: the bytes are not the Arrow data that they should be. */
export class ArrowFormatError extends SqlError {
  constructor(what: string) {
    super('XX001', `invalid Arrow data: ${what}`);
    this.name = 'ArrowFormatError';
  }
}

export class FlatTable {
  readonly view: DataView;
  readonly position: number;
  readonly vtable: number;
  readonly vtableBytes: number;

  constructor(view: DataView, position: number) {
    this.view = view;
    this.position = position;
    check(view, position, 4, 'table');
    this.vtable = position - view.getInt32(position, true);
    check(view, this.vtable, 4, 'table header');
    this.vtableBytes = view.getUint16(this.vtable, true);
    check(view, this.vtable, this.vtableBytes, 'table header');
  }

  static root(view: DataView): FlatTable {
    check(view, 0, 4, 'root');
    return new FlatTable(view, view.getUint32(0, true));
  }

  /** Position of field `index`, or 0 when it is absent (has its default). */
  field(index: number, bytes: number): number {
    const slot = 4 + index * 2;
    if (slot + 2 > this.vtableBytes) return 0;
    const offset = this.view.getUint16(this.vtable + slot, true);
    if (offset === 0) return 0;
    check(this.view, this.position + offset, bytes, 'field');
    return this.position + offset;
  }

  u8(index: number, fallback: number): number {
    const at = this.field(index, 1);
    return at === 0 ? fallback : this.view.getUint8(at);
  }

  i16(index: number, fallback: number): number {
    const at = this.field(index, 2);
    return at === 0 ? fallback : this.view.getInt16(at, true);
  }

  i32(index: number, fallback: number): number {
    const at = this.field(index, 4);
    return at === 0 ? fallback : this.view.getInt32(at, true);
  }

  /** A 64-bit length or position: refused when negative or past 2^53. */
  size(index: number): number {
    const at = this.field(index, 8);
    return at === 0 ? 0 : readSize(this.view, at);
  }

  table(index: number): FlatTable | undefined {
    const at = this.field(index, 4);
    return at === 0 ? undefined : new FlatTable(this.view, at + this.view.getUint32(at, true));
  }

  text(index: number): string | undefined {
    const at = this.field(index, 4);
    if (at === 0) return undefined;
    const start = at + this.view.getUint32(at, true);
    check(this.view, start, 4, 'string');
    const length = this.view.getUint32(start, true);
    check(this.view, start + 4, length, 'string');
    // A copy: TextDecoder refuses views of shared memory.
    const bytes = new Uint8Array(length);
    bytes.set(new Uint8Array(this.view.buffer, this.view.byteOffset + start + 4, length));
    return new TextDecoder().decode(bytes);
  }

  /** Element count and position of the first element of a vector whose elements have `elementBytes`. */
  vector(index: number, elementBytes: number): { readonly count: number; readonly start: number } {
    const at = this.field(index, 4);
    if (at === 0) return { count: 0, start: 0 };
    const start = at + this.view.getUint32(at, true);
    check(this.view, start, 4, 'vector');
    const count = this.view.getUint32(start, true);
    check(this.view, start + 4, count * elementBytes, 'vector');
    return { count, start: start + 4 };
  }

  tables(index: number): FlatTable[] {
    const { count, start } = this.vector(index, 4);
    const out: FlatTable[] = [];
    for (let i = 0; i < count; i++) {
      const at = start + i * 4;
      out.push(new FlatTable(this.view, at + this.view.getUint32(at, true)));
    }
    return out;
  }
}

export function readSize(view: DataView, at: number): number {
  const high = view.getInt32(at + 4, true);
  if (high < 0 || high > 0x1fffff) throw new ArrowFormatError('a length is out of range');
  return high * 4294967296 + view.getUint32(at, true);
}

function check(view: DataView, at: number, bytes: number, what: string): void {
  if (at < 0 || at + bytes > view.byteLength)
    throw new ArrowFormatError(`a ${what} at byte ${at} lies outside of the metadata`);
}

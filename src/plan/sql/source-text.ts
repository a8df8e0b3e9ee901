/** A statement string and the two ways to count in it.
 *
 *  The parser reports byte offsets of the UTF-8 text; PostgreSQL's errors carry 1-based positions in characters (code
 *  points); JavaScript slices by UTF-16 units. Nothing outside this file converts between them. */

export class SourceText {
  readonly text: string;
  /** One byte, one unit, one character. */
  private readonly ascii: boolean;

  constructor(text: string) {
    this.text = text;
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the ASCII range is what is asked for.
    this.ascii = /^[\x00-\x7f]*$/.test(text);
  }

  /** 1-based character position of a byte offset; undefined for "no location" (undefined is offset 0 of the
   *  parser, which leaves zeros out, so callers pass what they found; -1 means none). */
  position(byteOffset: number | undefined): number | undefined {
    const offset = byteOffset ?? 0;
    if (offset < 0) return undefined;
    if (this.ascii) return offset + 1;
    let bytes = 0;
    let chars = 0;
    for (const ch of this.text) {
      if (bytes >= offset) break;
      bytes += utf8Length(ch.codePointAt(0)!);
      chars++;
    }
    return chars + 1;
  }

  /** UTF-16 index of a byte offset. */
  index(byteOffset: number): number {
    if (this.ascii) return byteOffset;
    let bytes = 0;
    let units = 0;
    for (const ch of this.text) {
      if (bytes >= byteOffset) break;
      bytes += utf8Length(ch.codePointAt(0)!);
      units += ch.length;
    }
    return units;
  }

  /** The text between two byte offsets. */
  slice(startByte: number, endByte?: number): string {
    return this.text.slice(this.index(startByte), endByte === undefined ? undefined : this.index(endByte));
  }
}

function utf8Length(codePoint: number): number {
  return codePoint < 0x80 ? 1 : codePoint < 0x800 ? 2 : codePoint < 0x10000 ? 3 : 4;
}

export function utf8Bytes(text: string): number {
  let bytes = 0;
  for (const ch of text) bytes += utf8Length(ch.codePointAt(0)!);
  return bytes;
}

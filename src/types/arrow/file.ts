/** The Arrow file format: magic, messages, end mark, footer with the place of every batch.
 *
 *  Owns: laying a file out in memory as parts ready for one `writev`, and finding batches again by the footer.
 *  Must not know: file handles. Invariant: bodies are 64-byte aligned in the file.
 *  Source: Arrow columnar format, "IPC file format"; format/File.fbs. */
import { Builder } from 'flatbuffers';
import { ArrowFormatError, FlatTable, readSize } from './flat-table.js';
import {
  aligned,
  type BatchMeta,
  batchMessage,
  dictionaryMessage,
  layOut,
  type Message,
  readMessage,
  schemaMessage,
} from './message.js';
import { type ArrowField, METADATA_V5, readSchema, writeSchema } from './schema.js';

const MAGIC = Uint8Array.from('ARROW1', (c) => c.charCodeAt(0));

export type Block = { readonly offset: number; readonly metadataBytes: number; readonly bodyBytes: number };

/** Collects the parts of a file in order and knows the position each will have. */
export class ArrowFileWriter {
  readonly parts: Uint8Array[] = [];
  position = 0;
  private readonly fields: readonly ArrowField[];
  private readonly dictionaries: Block[] = [];
  private readonly batches: Block[] = [];

  constructor(fields: readonly ArrowField[]) {
    this.fields = fields;
    const head = new Uint8Array(8);
    head.set(MAGIC);
    this.push(head);
    this.push(schemaMessage(fields, this.position));
  }

  /** `buffers` in Arrow's order (validity, [offsets,] data); an empty array stands for an absent validity bitmap.
   *  Returns the position of each buffer in the file. */
  dictionary(id: number, rows: number, buffers: readonly Uint8Array[]): number[] {
    const { buffers: refs, bodyBytes } = layOut(buffers.map((b) => b.length));
    const meta = { rows, nodes: [{ length: rows, nullCount: 0 }], buffers: refs };
    return this.message(
      this.dictionaries,
      dictionaryMessage(id, meta, bodyBytes, this.position),
      buffers,
      bodyBytes,
    );
  }

  batch(rows: number, nullCounts: readonly number[], buffers: readonly Uint8Array[]): number[] {
    const { buffers: refs, bodyBytes } = layOut(buffers.map((b) => b.length));
    const meta: BatchMeta = {
      rows,
      nodes: nullCounts.map((nullCount) => ({ length: rows, nullCount })),
      buffers: refs,
    };
    return this.message(this.batches, batchMessage(meta, bodyBytes, this.position), buffers, bodyBytes);
  }

  finish(): void {
    this.push(Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0));
    const b = new Builder(1024);
    const schema = writeSchema(b, this.fields);
    const dictionaries = writeBlocks(b, this.dictionaries);
    const batches = writeBlocks(b, this.batches);
    b.startObject(5);
    b.addFieldInt16(0, METADATA_V5, 0);
    b.addFieldOffset(1, schema, 0);
    b.addFieldOffset(2, dictionaries, 0);
    b.addFieldOffset(3, batches, 0);
    b.finish(b.endObject());
    const footer = b.asUint8Array();
    const tail = new Uint8Array(footer.length + 4 + MAGIC.length);
    tail.set(footer);
    new DataView(tail.buffer).setUint32(footer.length, footer.length, true);
    tail.set(MAGIC, footer.length + 4);
    this.push(tail);
  }

  private message(
    blocks: Block[],
    head: Uint8Array,
    buffers: readonly Uint8Array[],
    bodyBytes: number,
  ): number[] {
    blocks.push({ offset: this.position, metadataBytes: head.length, bodyBytes });
    this.push(head);
    return buffers.map((buffer) => {
      const at = this.position;
      if (buffer.length > 0) this.push(buffer);
      const padding = aligned(buffer.length) - buffer.length;
      if (padding > 0) this.push(new Uint8Array(padding));
      return at;
    });
  }

  private push(part: Uint8Array): void {
    this.parts.push(part);
    this.position += part.length;
  }
}

function writeBlocks(b: Builder, blocks: readonly Block[]): number {
  b.startVector(24, blocks.length, 8);
  for (let i = blocks.length - 1; i >= 0; i--) {
    const block = blocks[i]!;
    b.prep(8, 24);
    b.writeInt64(BigInt(block.bodyBytes));
    b.pad(4);
    b.writeInt32(block.metadataBytes);
    b.writeInt64(BigInt(block.offset));
  }
  return b.endVector();
}

export type ArrowFile = {
  readonly fields: readonly ArrowField[];
  readonly dictionaries: readonly Block[];
  readonly batches: readonly Block[];
};

/** Reads the footer of a whole file held in `bytes`. */
export function readArrowFile(bytes: Uint8Array): ArrowFile {
  const n = bytes.length;
  const view = new DataView(bytes.buffer, bytes.byteOffset, n);
  if (n < 8 + 4 + MAGIC.length || !hasMagic(bytes, 0) || !hasMagic(bytes, n - MAGIC.length))
    throw new ArrowFormatError('no Arrow file');
  const end = n - MAGIC.length - 4;
  const length = view.getUint32(end, true);
  if (length > end - 8) throw new ArrowFormatError('the footer is longer than the file');
  const footer = FlatTable.root(new DataView(bytes.buffer, bytes.byteOffset + end - length, length));
  const schema = footer.table(1);
  if (schema === undefined) throw new ArrowFormatError('a footer without a schema');
  const limit = end - length;
  return {
    fields: readSchema(schema),
    dictionaries: readBlocks(footer, 2, limit),
    batches: readBlocks(footer, 3, limit),
  };
}

/** The message at a block and the position of its body. */
export function readBlock(
  bytes: Uint8Array,
  block: Block,
): { readonly message: Message; readonly bodyStart: number } {
  const at = readMessage(bytes, block.offset, block.metadataBytes + block.bodyBytes);
  if (at === undefined || at.bodyStart !== block.offset + block.metadataBytes)
    throw new ArrowFormatError(`the message at byte ${block.offset} disagrees with the footer`);
  return at;
}

function hasMagic(bytes: Uint8Array, at: number): boolean {
  return MAGIC.every((c, i) => bytes[at + i] === c);
}

function readBlocks(footer: FlatTable, index: number, limit: number): Block[] {
  const { count, start } = footer.vector(index, 24);
  const blocks: Block[] = [];
  for (let i = 0; i < count; i++) {
    const at = start + i * 24;
    const block = {
      offset: readSize(footer.view, at),
      metadataBytes: footer.view.getUint32(at + 8, true),
      bodyBytes: readSize(footer.view, at + 16),
    };
    if (block.offset + block.metadataBytes + block.bodyBytes > limit)
      throw new ArrowFormatError(`a batch at byte ${block.offset} lies outside of the file`);
    blocks.push(block);
  }
  return blocks;
}

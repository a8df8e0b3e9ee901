/** Blocks of whole lines of a regular file, read at positions: each read begins where the last block ended, so that a block is
 *  what was read up to its last line end, and nothing is put together.
 *
 *  Invariant: a block's bytes are valid until the next one is asked for. */
import type { FileHandle } from 'node:fs/promises';
import { SqlError } from '../../types/sql-error.js';
import type { CopyLines } from '../dispatch/api.js';
import { BLOCK_BYTES, type BlockSplitter, LINE_BYTES_MAX } from './copy-lines.js';

export async function* fileLines(
  file: FileHandle,
  splitter: BlockSplitter,
  blockBytes = BLOCK_BYTES,
): AsyncGenerator<CopyLines> {
  let buffer = Buffer.allocUnsafeSlow(blockBytes);
  let at = 0;
  while (!splitter.ended) {
    const text = buffer.subarray(0, await fill(file, buffer, at));
    const last = text.length < buffer.length;
    const end = last ? text.length : splitter.wholeLines(text);
    if (end < 0) {
      if (buffer.length > LINE_BYTES_MAX)
        throw new SqlError('54000', `COPY line ${splitter.line} is longer than ${LINE_BYTES_MAX} bytes`);
      buffer = Buffer.allocUnsafeSlow(2 * buffer.length);
      continue;
    }
    const block = splitter.block(text.subarray(0, end));
    if (block !== undefined) yield { ...block, fileOffset: at + block.bytes.byteOffset - buffer.byteOffset };
    if (last) return;
    at += end;
    if (buffer.length > blockBytes) buffer = Buffer.allocUnsafeSlow(blockBytes);
  }
}

/** Bytes read: fewer than there is room for only at the end of the file. */
async function fill(file: FileHandle, buffer: Buffer, position: number): Promise<number> {
  let got = 0;
  while (got < buffer.length) {
    const { bytesRead } = await file.read(buffer, got, buffer.length - got, position + got);
    if (bytesRead === 0) break;
    got += bytesRead;
  }
  return got;
}

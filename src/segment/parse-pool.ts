/** Threads that parse COPY text; started with the first COPY, ended when none has come for a while.
 *
 *  Owns: the text's place in the shared memory while it is parsed. */
import { fileURLToPath } from 'node:url';
import { Piscina } from 'piscina';
import { COPY_SLACK_BYTES } from '../engine/copy/copy-module.js';
import type { SharedMemory } from '../engine/runtime/shared-memory.js';
import { columnsToBatch } from '../types/columnar.js';
import type { Batch } from '../types/memory.js';
import { copyToShared } from '../types/shared-copy.js';
import { errorFromWire } from '../types/sql-error.js';
import type { ParseReply, ParseTask } from './parse-worker.js';

function workerFile(): string {
  const here = fileURLToPath(import.meta.url);
  if (here.endsWith('.js')) return fileURLToPath(new URL('./parse-worker.js', import.meta.url));
  return here.replace(/src\/segment\/parse-pool\.ts$/, 'dist/src/segment/parse-worker.js');
}

/** Whole lines: at hand, or in an open file, which stays open until they are parsed. */
export type BlockText =
  | { readonly lines: Uint8Array }
  | { readonly fd: number; readonly offset: number; readonly bytes: number };

/** A block, and what it is parsed as. */
export type ParseJob = Omit<ParseTask, 'text' | 'bytes' | 'file'> & { readonly text: BlockText };

export class ParsePool {
  readonly threads: number;
  private readonly memory: SharedMemory;
  private pool: Piscina<ParseTask, ParseReply> | undefined;

  constructor(threads: number, memory: SharedMemory) {
    this.threads = threads;
    this.memory = memory;
  }

  /** Lines at hand are copied before this returns; the batch is the caller's. */
  async parse({ text: from, ...job }: ParseJob): Promise<Batch> {
    const { memory } = this;
    this.pool ??= new Piscina<ParseTask, ParseReply>({
      filename: workerFile(),
      minThreads: 0,
      maxThreads: this.threads,
      idleTimeout: 10_000,
      workerData: { memory: memory.memory },
    });
    const bytes = 'lines' in from ? from.lines.length : from.bytes;
    const text = memory.alloc(bytes + COPY_SLACK_BYTES);
    let reply: ParseReply;
    try {
      let file: ParseTask['file'];
      if ('lines' in from) copyToShared(memory.u8, text, from.lines);
      else file = { fd: from.fd, offset: from.offset };
      reply = await this.pool.run({ ...job, text, bytes, file });
    } finally {
      memory.free(text);
    }
    if ('error' in reply) throw errorFromWire(reply.error);
    if ('rows' in reply) return columnsToBatch(reply.rows, memory);
    const { batch } = reply;
    let released = false;
    return {
      ...batch,
      release() {
        if (released) return;
        released = true;
        memory.free(batch.address);
      },
    };
  }

  async close(): Promise<void> {
    await this.pool?.close({ force: true });
  }
}

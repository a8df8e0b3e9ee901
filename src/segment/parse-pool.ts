/** Threads that parse COPY text; started with the first COPY, ended when none has come for a while. */
import { fileURLToPath } from 'node:url';
import { Piscina } from 'piscina';
import type { ColumnarRows } from '../types/columnar.js';
import { errorFromWire } from '../types/sql-error.js';
import type { ParseReply, ParseTask } from './parse-worker.js';

function workerFile(): string {
  const here = fileURLToPath(import.meta.url);
  if (here.endsWith('.js')) return fileURLToPath(new URL('./parse-worker.js', import.meta.url));
  return here.replace(/src\/segment\/parse-pool\.ts$/, 'dist/src/segment/parse-worker.js');
}

export class ParsePool {
  readonly threads: number;
  private pool: Piscina<ParseTask, ParseReply> | undefined;

  constructor(threads: number) {
    this.threads = threads;
  }

  /** The task's bytes are the pool's from now on. */
  async parse(task: ParseTask): Promise<ColumnarRows> {
    this.pool ??= new Piscina<ParseTask, ParseReply>({
      filename: workerFile(),
      minThreads: 0,
      maxThreads: this.threads,
      idleTimeout: 10_000,
    });
    const { buffer } = task.bytes;
    const whole = buffer instanceof ArrayBuffer && buffer.byteLength < task.bytes.length + 4096;
    const owned = whole ? task : { ...task, bytes: new Uint8Array(task.bytes) };
    const reply = await this.pool.run(owned, { transferList: [owned.bytes.buffer as ArrayBuffer] });
    if ('error' in reply) throw errorFromWire(reply.error);
    return reply.rows;
  }

  async close(): Promise<void> {
    await this.pool?.close({ force: true });
  }
}

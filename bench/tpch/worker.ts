/** A worker thread of the generator: writes segments of the shared text pool, then parts of tables. */
import { parentPort, workerData } from 'node:worker_threads';
import { partChunks } from './chunks.js';
import type { Part, TpchTable } from './scale.js';
import { textPoolOver, writeTextPoolSegment } from './text-pool.js';

export type WorkerTask =
  | { readonly kind: 'text'; readonly segment: number }
  | { readonly kind: 'part'; readonly table: TpchTable; readonly scale: number; readonly part: Part };

export type WorkerReply = { readonly chunks: readonly Uint8Array<ArrayBuffer>[] };

if (parentPort !== null) {
  const port = parentPort;
  const pool = textPoolOver(workerData as SharedArrayBuffer);
  port.on('message', (task: WorkerTask) => {
    let chunks: Uint8Array<ArrayBuffer>[] = [];
    switch (task.kind) {
      case 'text':
        writeTextPoolSegment(pool, task.segment);
        break;
      case 'part':
        chunks = [...partChunks(task.table, task.scale, task.part, pool)];
        break;
    }
    const reply: WorkerReply = { chunks };
    port.postMessage(
      reply,
      chunks.map((chunk) => chunk.buffer),
    );
  });
}

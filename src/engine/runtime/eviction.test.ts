import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { serveEvictions } from './eviction.js';
import { SharedMemory } from './shared-memory.js';

const DIST = fileURLToPath(new URL('../../../dist/src/engine/runtime/', import.meta.url));

/** Allocates `bytes` in a worker, asking for evictions; resolves to how many rounds that took, or 'none'. */
function allocateInWorker(memory: SharedMemory, bytes: number): Promise<number | 'none'> {
  const code = `
    const { workerData, parentPort } = require('node:worker_threads');
    (async () => {
      const { SharedMemory } = await import('file://${DIST}shared-memory.js');
      const { requestEviction } = await import('file://${DIST}eviction.js');
      const memory = new SharedMemory(workerData);
      let rounds = 0;
      let address = memory.tryAlloc(${bytes});
      while (address === 0 && requestEviction(memory, ${bytes})) {
        rounds++;
        address = memory.tryAlloc(${bytes});
      }
      parentPort.postMessage(address === 0 ? 'none' : rounds);
    })();`;
  return new Promise((resolve, reject) => {
    const worker = new Worker(code, { eval: true, workerData: memory.memory });
    worker.once('message', resolve);
    worker.once('error', reject);
  });
}

test('a worker gets memory that the main thread can evict, and is told when there is none', async () => {
  const memory = SharedMemory.create(32 << 20);
  serveEvictions(memory);
  const held: number[] = [];
  for (let a = memory.tryAlloc(1 << 20); a !== 0; a = memory.tryAlloc(1 << 20)) held.push(a);
  memory.onPressure((needed) => {
    let freed = 0;
    for (; freed < needed && held.length > 0; freed += 1 << 20) memory.free(held.pop()!);
    return freed;
  });
  expect(await allocateInWorker(memory, 5 << 20)).toBe(1);
  expect(held.length).toBeGreaterThan(10);
  expect(await allocateInWorker(memory, 64 << 20)).toBe('none');
});

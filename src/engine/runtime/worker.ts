/** The worker thread: a task runner over the process's shared memory. */
import { workerData } from 'node:worker_threads';
import { requestEviction } from './eviction.js';
import type { TaskReply, WorkerTask } from './protocol.js';
import { SharedMemory } from './shared-memory.js';
import { TaskRunner } from './task-runner.js';

const memory = new SharedMemory((workerData as { memory: WebAssembly.Memory }).memory);
const runner = new TaskRunner(memory, (bytes) => requestEviction(memory, bytes));

export default function runTask(task: WorkerTask): TaskReply {
  return runner.run(task);
}

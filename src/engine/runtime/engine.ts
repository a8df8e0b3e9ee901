/** The engine of a process: its shared memory, its worker threads, and the slices running on them.
 *
 *  Workers come from piscina and are loaded from the built `dist/`; under a test runner that executes TypeScript
 *  sources the built file is used all the same. */
import { fileURLToPath } from 'node:url';
import { Piscina } from 'piscina';
import type { Engine, SliceProgress, SliceRun, SliceStats } from '../api.js';
import { serveEvictions } from './eviction.js';
import { ModuleCache } from './module-cache.js';
import type { TaskReply, WorkerTask } from './protocol.js';
import { SharedMemory } from './shared-memory.js';
import { SliceRunner } from './slice-runner.js';
import { TaskRunner } from './task-runner.js';

export type EngineOptions = {
  readonly workers: number;
  readonly memoryBytes: number;
  /** Names this process in messages: `segment 1`, `master`. */
  readonly place: string;
  /** Compiled modules kept for the next run of the same slice; 0 = none. */
  readonly modulesMax?: number;
  /** Pipelines of at most so many rows run in the main thread: a task costs more than they do. 0 = none. */
  readonly inlineRows?: number;
};

const INLINE_ROWS = 1024;

const LOADED_KEYS_MAX = 1024;

function workerFile(): string {
  const here = fileURLToPath(import.meta.url);
  if (here.endsWith('.js')) return fileURLToPath(new URL('./worker.js', import.meta.url));
  return here.replace(/src\/engine\/runtime\/engine\.ts$/, 'dist/src/engine/runtime/worker.js');
}

export class LocalEngine implements Engine {
  readonly memory: SharedMemory;
  readonly workers: number;
  /** A segment learns its id when it joins. */
  place: string;
  readonly modules: ModuleCache;
  readonly inlineRows: number;
  private readonly inline: TaskRunner;
  private readonly pool: Piscina<WorkerTask, TaskReply>;
  private readonly running = new Map<Promise<unknown>, SliceRunner>();
  private readonly loadedBy = new Map<string, Set<number>>();
  private counter = 0;

  constructor(options: EngineOptions) {
    this.workers = options.workers;
    this.place = options.place;
    this.modules = new ModuleCache(options.modulesMax ?? 256);
    this.memory = SharedMemory.create(options.memoryBytes);
    serveEvictions(this.memory);
    this.inlineRows = options.inlineRows ?? INLINE_ROWS;
    this.inline = new TaskRunner(this.memory, (bytes) => this.memory.evict(bytes) > 0);
    this.pool = new Piscina<WorkerTask, TaskReply>({
      filename: workerFile(),
      minThreads: options.workers,
      maxThreads: options.workers,
      idleTimeout: Number.POSITIVE_INFINITY,
      workerData: { memory: this.memory.memory },
    });
  }

  runSlice(run: SliceRun): Promise<SliceStats> {
    const runner = new SliceRunner(this, `${run.queryId}/${run.slice.id}/${this.counter++}`, run);
    const done = runner.execute();
    const tracked = done.catch(() => undefined).finally(() => this.running.delete(tracked));
    this.running.set(tracked, runner);
    return done;
  }

  progress(): readonly SliceProgress[] {
    return [...this.running.values()].map((runner) => runner.progress());
  }

  /** In this thread, at once. */
  taskHere(task: WorkerTask): TaskReply {
    return this.inline.run(task);
  }

  async task(task: WorkerTask): Promise<TaskReply> {
    const { key } = task.init;
    const threads = this.threadsWith(key);
    const bare: WorkerTask = { ...task, init: { ...task.init, code: undefined } };
    let reply = await this.pool.run(threads.size < this.workers ? task : bare);
    if (reply.missing) reply = await this.pool.run(task);
    threads.add(reply.thread);
    return reply;
  }

  /** Threads that were given the code of `key` and may still have it. */
  private threadsWith(key: string): Set<number> {
    let threads = this.loadedBy.get(key);
    if (threads === undefined) {
      threads = new Set();
      this.loadedBy.set(key, threads);
      if (this.loadedBy.size > LOADED_KEYS_MAX) this.loadedBy.delete(this.loadedBy.keys().next().value!);
    }
    return threads;
  }

  async close(): Promise<void> {
    await Promise.all(this.running.keys());
    await this.pool.close({ force: true });
  }
}

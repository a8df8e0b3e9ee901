/**
 * The TPC-H data generator: byte for byte the `.tbl` files of the standard's `dbgen`, in process or on worker
 * threads, to files or to whoever takes the chunks. Any part of a table can be made without the parts before
 * it, so parts go to workers in any order and are put together in theirs.
 * Knows nothing of the database. Source: TPC-H specification, chapter 4.
 */
import { existsSync } from 'node:fs';
import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { partChunks } from './chunks.js';
import { assertScale, type Part, TPCH_TABLES, type TpchTable, unitCount, WHOLE } from './scale.js';
import { adoptTextPool, emptyTextPool, TEXT_POOL_SEGMENTS, type TextPool, textPool } from './text-pool.js';
import type { WorkerReply, WorkerTask } from './worker.js';

/** Takes a chunk of whole rows, and may keep it. The next one is made when its promise resolves. */
export type ChunkSink = (chunk: Uint8Array<ArrayBuffer>) => void | Promise<void>;

/** Writes one part of a table (counted from 1) to `sink`, in row order, on this thread. */
export async function generateTable(
  table: TpchTable,
  scale: number,
  part: Part,
  sink: ChunkSink,
): Promise<void> {
  for (const chunk of partChunks(table, scale, part, textPool())) await sink(chunk);
}

/**
 * A table, or a part of it, as chunks of about 1 MiB of whole rows; each chunk is the caller's to keep.
 * The first use in a process writes the text pool, which takes a second of its thread.
 */
export async function* tableChunks(
  table: TpchTable,
  scale: number,
  part: Part = WHOLE,
): AsyncGenerator<Uint8Array<ArrayBuffer>, void, undefined> {
  yield* partChunks(table, scale, part, textPool());
}

export type GenerateProgress = {
  readonly table: TpchTable;
  /** Written so far, of this table. */
  readonly bytes: number;
  /** Parts of all tables. */
  readonly partsDone: number;
  readonly parts: number;
};

export type GenerateOptions = {
  readonly scale: number;
  /** Made if missing; `TABLE.tbl` files in it are replaced. */
  readonly outDir: string;
  readonly tables?: readonly TpchTable[];
  /** Threads beside this one; 0 generates on this thread. By default, one for each core. */
  readonly workers?: number;
  readonly onProgress?: (progress: GenerateProgress) => void;
};

/** Size of each file in bytes. */
export type GenerateResult = ReadonlyMap<TpchTable, number>;

/** Units per task: about ten megabytes of lineitem. */
const TASK_UNITS = 20_000;
/** Tasks that may be made before the one whose turn it is to be written. */
const TASKS_AHEAD = 8;

/** Writes `TABLE.tbl` for every table. */
export async function generateAll(options: GenerateOptions): Promise<GenerateResult> {
  const { scale, outDir } = options;
  assertScale(scale);
  await mkdir(outDir, { recursive: true });
  const tables = options.tables ?? TPCH_TABLES;
  const tasks = tables.flatMap((table) => tasksOf(table, scale));
  const workers = Math.min(options.workers ?? availableParallelism(), tasks.length);
  const script = workers > 0 ? workerScript() : undefined;
  const made =
    script === undefined
      ? partsHere(tasks, scale)
      : partsOnWorkers(tasks, scale, await startCrew(script, workers));

  const sizes = new Map<TpchTable, number>();
  let file: FileHandle | undefined;
  let partsDone = 0;
  try {
    for await (const { task, chunks } of made) {
      if (task.part === 1) {
        await file?.close();
        file = await open(join(outDir, `${task.table}.tbl`), 'w');
      }
      await writeFully(file!, chunks);
      const bytes = chunks.reduce((sum, chunk) => sum + chunk.length, sizes.get(task.table) ?? 0);
      sizes.set(task.table, bytes);
      partsDone++;
      options.onProgress?.({ table: task.table, bytes, partsDone, parts: tasks.length });
    }
  } finally {
    await file?.close();
  }
  return sizes;
}

type Task = Part & { readonly table: TpchTable };
type MadePart = { readonly task: Task; readonly chunks: readonly Uint8Array<ArrayBuffer>[] };

function tasksOf(table: TpchTable, scale: number): Task[] {
  const parts = Math.ceil(unitCount(table, scale) / TASK_UNITS);
  return Array.from({ length: parts }, (_, i) => ({ table, part: i + 1, parts }));
}

async function writeFully(file: FileHandle, chunks: readonly Uint8Array<ArrayBuffer>[]): Promise<void> {
  for (const chunk of chunks) {
    for (let at = 0; at < chunk.length; ) at += (await file.write(chunk, at)).bytesWritten;
  }
}

async function* partsHere(tasks: readonly Task[], scale: number): AsyncGenerator<MadePart> {
  const pool = textPool();
  for (const task of tasks) yield { task, chunks: [...partChunks(task.table, scale, task, pool)] };
}

/** Parts in the order of `tasks`, whatever order they are finished in. Ends the workers when it ends. */
async function* partsOnWorkers(tasks: readonly Task[], scale: number, crew: Crew): AsyncGenerator<MadePart> {
  try {
    const making: Promise<MadePart>[] = [];
    let started = 0;
    for (let turn = 0; turn < tasks.length; turn++) {
      for (; started < Math.min(tasks.length, turn + TASKS_AHEAD); started++) {
        const task = tasks[started];
        const made = crew
          .run({ kind: 'part', table: task.table, scale, part: task })
          .then((reply) => ({ task, chunks: reply.chunks }));
        // A failure is seen when it is this part's turn; until then it must not count as unhandled.
        made.catch(() => {});
        making.push(made);
      }
      yield await making[turn];
    }
  } finally {
    await crew.end();
  }
}

type Job = {
  readonly task: WorkerTask;
  readonly resolve: (reply: WorkerReply) => void;
  readonly reject: (reason: Error) => void;
};

/** Worker threads that take the next job when they are done with one. */
class Crew {
  private readonly workers: Worker[] = [];
  private readonly idle: Worker[] = [];
  private readonly busy = new Map<Worker, Job>();
  private readonly waiting: Job[] = [];
  private failure: Error | undefined;

  constructor(script: URL, size: number, pool: TextPool) {
    for (let i = 0; i < size; i++) {
      const worker = new Worker(script, { workerData: pool.buffer });
      worker.on('message', (reply: WorkerReply) => {
        const job = this.busy.get(worker);
        this.busy.delete(worker);
        this.idle.push(worker);
        this.dispatch();
        job?.resolve(reply);
      });
      worker.on('error', (error: Error) => this.fail(error));
      worker.on('exit', (code) => this.fail(new Error(`TPC-H generator worker ended with code ${code}`)));
      this.workers.push(worker);
      this.idle.push(worker);
    }
  }

  run(task: WorkerTask): Promise<WorkerReply> {
    if (this.failure !== undefined) return Promise.reject(this.failure);
    return new Promise((resolve, reject) => {
      this.waiting.push({ task, resolve, reject });
      this.dispatch();
    });
  }

  async end(): Promise<void> {
    await Promise.all(this.workers.map((worker) => worker.terminate()));
  }

  private dispatch(): void {
    while (this.idle.length > 0 && this.waiting.length > 0) {
      const worker = this.idle.pop()!;
      const job = this.waiting.shift()!;
      this.busy.set(worker, job);
      worker.postMessage(job.task);
    }
  }

  private fail(error: Error): void {
    this.failure ??= error;
    for (const job of [...this.busy.values(), ...this.waiting.splice(0)]) job.reject(this.failure);
    this.busy.clear();
  }
}

/** Starts workers and has them write the text pool together, which this process then has too. */
async function startCrew(script: URL, size: number): Promise<Crew> {
  const pool = emptyTextPool();
  const crew = new Crew(script, size, pool);
  try {
    await Promise.all(
      Array.from({ length: TEXT_POOL_SEGMENTS }, (_, segment) => crew.run({ kind: 'text', segment })),
    );
  } catch (error) {
    await crew.end();
    throw error;
  }
  adoptTextPool(pool);
  return crew;
}

/** Compiled JavaScript only: under a test runner this module may be TypeScript, which a worker cannot load. */
function workerScript(): URL | undefined {
  const beside = new URL('./worker.js', import.meta.url);
  const built = new URL('../../dist/bench/tpch/worker.js', import.meta.url);
  return [beside, built].find((url) => existsSync(url));
}

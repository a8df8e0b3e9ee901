/** A dispatcher for tests of the statement side: a real engine for plans that are one slice on the master (constants,
 *  system tables), canned chunks for scans of tables, and loads that only remember what they were given. */
import type { BatchSource, ChunkSink, SliceRun, SourceProvider } from '../../engine/api.js';
import { LocalEngine } from '../../engine/runtime/engine.js';
import { QueryShares } from '../../exchange/shared-rows.js';
import { sharesOf } from '../../plan/distribute/physical-walk.js';
import type { DistributedPlan, Slice } from '../../plan/physical.js';
import { type ColumnarRows, rowsToColumns } from '../../types/columnar.js';
import { parseCopyBlock } from '../../types/copy-text.js';
import { type Csn, type Gxid, MASTER, type SegmentId, type StorageId } from '../../types/ids.js';
import type { ChunkColumn, MemoryPool, OutChunk } from '../../types/memory.js';
import { SqlError } from '../../types/sql-error.js';
import type { SqlType } from '../../types/sql-type.js';
import type { Value } from '../../types/value.js';
import type {
  CopyInOptions,
  CopyStream,
  Dispatcher,
  QueryProgress,
  RunOptions,
  RunStats,
  TableSummary,
} from '../dispatch/api.js';

/** Rows as a finished chunk in `memory`. */
export function chunkOf(
  types: readonly SqlType[],
  rows: readonly (readonly Value[])[],
  memory: MemoryPool,
): OutChunk {
  return columnsChunk(rowsToColumns(types, rows), memory);
}

function columnsChunk(columns: ColumnarRows, memory: MemoryPool): OutChunk {
  const addresses: number[] = [];
  const put = (bytes: Uint8Array): number => {
    const at = memory.alloc(Math.max(bytes.length, 1));
    memory.u8.set(bytes, at);
    addresses.push(at);
    return at;
  };
  const chunk = columns.columns.map(
    (c): ChunkColumn => ({
      encoding: c.encoding,
      data: put(c.data),
      dataBytes: c.data.length,
      validity: c.validity === undefined ? 0 : put(c.validity),
      offsets:
        c.offsets === undefined
          ? 0
          : put(new Uint8Array(c.offsets.buffer, c.offsets.byteOffset, c.offsets.byteLength)),
    }),
  );
  return {
    rows: columns.rows,
    partition: 0,
    columns: chunk,
    release: () => {
      for (const a of addresses.splice(0)) memory.free(a);
    },
  };
}

export type Canned = {
  /** Chunks of the result of any plan that scans a table; endless when it returns undefined never. */
  readonly rows: (chunk: number) => readonly (readonly Value[])[] | undefined;
};

export class LocalDispatcher implements Dispatcher {
  readonly engine: LocalEngine;
  canned: Canned = { rows: () => undefined };
  readonly loaded: Buffer[] = [];
  readonly dropped: StorageId[] = [];
  readonly log: string[] = [];
  private gxid = 0n;
  private rows = new Map<Gxid, { storageId: StorageId; rows: number; columns: number }>();
  /** Chunks of canned results that are still held. */
  held = 0;
  running = 0;

  constructor() {
    this.engine = new LocalEngine({ workers: 1, memoryBytes: 64 << 20, place: 'master' });
  }

  progress(): Promise<readonly QueryProgress[]> {
    return Promise.resolve([]);
  }

  get memory(): MemoryPool {
    return this.engine.memory;
  }

  async run(plan: DistributedPlan, options: RunOptions): Promise<RunStats> {
    this.running++;
    try {
      if (plan.slices.every((s) => s.gang.includes(MASTER))) await this.runLocal(plan, options);
      else await this.runCanned(plan, options);
    } finally {
      this.running--;
    }
    return { slices: [], motions: [], rowsInserted: 0, totalMs: 0 };
  }

  private async runLocal(plan: DistributedPlan, o: RunOptions): Promise<void> {
    const nothing = (): never => {
      throw new Error('no such source here');
    };
    const { produced, read } = sharesOf(plan.slices);
    const shares = new QueryShares(produced, read, this.memory, 32 << 20);
    const sources: SourceProvider = {
      scan: (): BatchSource => nothing(),
      receive: nothing,
      receiveMerged: nothing,
      virtualScan: o.virtualScan,
      shared: (op) => shares.source(op),
    };
    const run = (slice: Slice): SliceRun => ({
      queryId: o.queryId,
      slice,
      params: o.params,
      settings: o.settings,
      instrument: o.instrument,
      memoryLimitBytes: 32 << 20,
      sources,
      sink: slice.sink.kind === 'share' ? shares.sink(slice.sink.share) : o.sink,
      signal: o.signal,
    });
    try {
      await Promise.all(plan.slices.map((s) => this.engine.runSlice(run(s))));
    } finally {
      shares.release();
    }
  }

  private async runCanned(plan: DistributedPlan, o: RunOptions): Promise<void> {
    const types = plan.output.map((c) => c.type);
    const { sink, signal } = o;
    for (let i = 0; ; i++) {
      if (signal.aborted) throw signal.reason;
      if (sink.done) break;
      const rows = this.canned.rows(i);
      if (rows === undefined) break;
      const chunk = chunkOf(types, rows, this.memory);
      this.held++;
      sink.push({
        ...chunk,
        release: () => {
          this.held--;
          chunk.release();
        },
      });
      if (!sink.ready()) await becomesReady(sink, signal);
    }
    await sink.finish();
  }

  copyIn(options: CopyInOptions): CopyStream {
    let rows = 0;
    const { table, ordinals } = options;
    const columns = ordinals.map((i) => table.columns[i]);
    return {
      write: ({ bytes, firstLine }) => {
        const parsed = parseCopyBlock(bytes, firstLine, options.options, columns, {
          table: table.name,
          settings: options.settings,
        });
        rows += parsed.rows;
        this.loaded.push(Buffer.from(bytes));
        return Promise.resolve();
      },
      end: () => {
        this.rows.set(options.gxid, { storageId: table.storageId, rows, columns: table.columns.length });
        return Promise.resolve({ rows });
      },
      abort: () => Promise.resolve(),
    };
  }

  beginLoad(): Promise<Gxid> {
    return Promise.resolve(++this.gxid as Gxid);
  }

  async commitLoad(
    gxid: Gxid,
    beforeVisible: (added: readonly TableSummary[]) => Promise<void>,
  ): Promise<void> {
    const r = this.rows.get(gxid);
    await beforeVisible(
      r === undefined
        ? []
        : [
            {
              storageId: r.storageId,
              rows: r.rows,
              columns: Array.from({ length: r.columns }, () => ({ noNulls: true })),
            },
          ],
    );
    this.log.push(`commit ${gxid}`);
  }

  abortLoad(gxid: Gxid): Promise<void> {
    this.log.push(`abort ${gxid}`);
    return Promise.resolve();
  }

  snapshot(): Csn {
    return this.gxid as unknown as Csn;
  }

  tableSummary(): Promise<TableSummary> {
    throw new SqlError('0A000', 'no storage here');
  }

  analyze(): Promise<never> {
    throw new SqlError('0A000', 'no storage here');
  }

  dropStorage(id: StorageId): Promise<void> {
    this.dropped.push(id);
    return Promise.resolve();
  }

  segments() {
    return [{ id: 0 as SegmentId, address: '127.0.0.1:6000', up: true, pid: 4242 }];
  }

  close(): Promise<void> {
    return this.engine.close();
  }
}

async function becomesReady(sink: ChunkSink, signal: AbortSignal): Promise<void> {
  let onAbort = (): void => {};
  try {
    await new Promise<void>((resolve, reject) => {
      onAbort = () => reject(signal.reason);
      sink.onReady(resolve);
      signal.addEventListener('abort', onAbort, { once: true });
    });
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** Many small row groups become few large ones, behind the backs of scans.
 *
 *  Owns: when to merge (a scan met many small row groups) and when the members may go. Must not know: statements.
 *  Invariants: a snapshot sees either the members or the merged row group, never both: members end at the csn where the
 *  merged one begins, the highest csn among them. Only rows that some scan's snapshot has seen are merged, so that
 *  the cluster has agreed on their csn; members stay for a while for snapshots that are older. A failed merge changes
 *  nothing. */
import { readFileSync } from 'node:fs';
import { readArrowFile } from '../types/arrow/file.js';
import { columnOf, isDictionary } from '../types/arrow/sql-field.js';
import type { ChunkColumn, OutChunk } from '../types/memory.js';
import type { BufferPool, CachedColumn } from './buffer-pool.js';
import type { ManifestOp } from './manifest.js';
import { ROW_GROUP_ROWS, type RowGroup, type TableColumn } from './row-group.js';
import { TableWriter, type WriterHost } from './table-writer.js';

const SMALL_ROWS = ROW_GROUP_ROWS / 4;
const SMALL_GROUPS = 16;
/** How long members are kept for statements with an old snapshot that have not begun their scan. */
const RETENTION_MS = 600_000;

export type MergerStore = {
  readonly pool: BufferPool;
  readonly path: (group: RowGroup) => string;
  readonly hold: (groups: readonly RowGroup[]) => void;
  readonly unhold: (groups: readonly RowGroup[]) => void;
  /** A writer's host that collects what it wrote in `groups`. */
  readonly host: (storageId: number, groups: RowGroup[]) => WriterHost;
  readonly change: (op: ManifestOp) => Promise<void>;
  readonly syncDirectory: (storageId: number) => Promise<void>;
  readonly discard: (group: RowGroup) => void;
};

export class GroupMerger {
  private readonly store: MergerStore;
  private readonly busy = new Set<number>();
  private readonly timers = new Set<NodeJS.Timeout>();
  private queue: Promise<void> = Promise.resolve();
  private closed = false;
  /** Why the last merge failed; for whoever looks into it. */
  lastError: unknown;

  constructor(store: MergerStore) {
    this.store = store;
  }

  /** A scan at `csn` sees these row groups: merge the small ones when there are many. */
  noticeScan(storageId: number, csn: number, visible: readonly RowGroup[]): void {
    if (visible.length < SMALL_GROUPS || this.closed || this.busy.has(storageId)) return;
    const small = longestRun(visible, csn);
    if (small.length < SMALL_GROUPS) return;
    this.busy.add(storageId);
    this.queue = this.queue
      .then(() => this.merge(storageId, small))
      .catch((e: unknown) => {
        this.lastError = e;
      })
      .finally(() => this.busy.delete(storageId));
  }

  /** Resolves when no merge is under way. */
  async idle(): Promise<void> {
    await this.queue;
  }

  async close(): Promise<void> {
    this.closed = true;
    for (const t of this.timers) clearTimeout(t);
    await this.queue;
  }

  /** Removes members of merges. */
  async forget(members: readonly RowGroup[]): Promise<void> {
    if (members.length > 0) await this.store.change({ op: 'forget', members: members.map((g) => g.id) });
  }

  private async merge(storageId: number, members: readonly RowGroup[]): Promise<void> {
    if (this.closed) return;
    const { store } = this;
    const written: RowGroup[] = [];
    let published = false;
    store.hold(members);
    try {
      const columns = readColumns(store.path(members.at(-1)!));
      if (members.some((g) => g.columns.length !== columns.length)) return;
      const until = members.reduce((n, g) => Math.max(n, g.csn!), 0);
      const order = members[0]!.order ?? members[0]!.id;
      const writer = new TableWriter(0, storageId, columns, '', store.host(storageId, written));
      try {
        for (const group of members) await this.copy(group, columns, writer);
        await writer.finish();
      } catch (e) {
        await writer.abort();
        throw e;
      }
      const groups = writer.groups!.map((g) => ({ ...g, csn: until, order }));
      await store.syncDirectory(storageId);
      published = true;
      await store.change({ op: 'merge', members: members.map((g) => g.id), until, groups });
      const timer = setTimeout(() => {
        this.timers.delete(timer);
        this.forget(members).catch((e: unknown) => {
          this.lastError = e;
        });
      }, RETENTION_MS);
      timer.unref();
      this.timers.add(timer);
    } finally {
      store.unhold(members);
      // Once the record may be in the log, only `open` can tell whether the files are needed.
      if (!published) for (const g of written) store.discard(g);
    }
  }

  private async copy(group: RowGroup, columns: readonly TableColumn[], writer: TableWriter): Promise<void> {
    const { pool } = this.store;
    const held: CachedColumn[] = [];
    try {
      const chunkColumns: ChunkColumn[] = [];
      for (const ordinal of columns.keys()) {
        const { encoding } = group.columns[ordinal]!;
        const column = pool.acquire(group, ordinal, isDictionary(encoding) ? 'utf8' : encoding);
        held.push(column);
        await new Promise<void>((resolve) => pool.whenReady(column, resolve));
        if (column.state === 'failed') throw column.error;
        chunkColumns.push(column.buffers!);
      }
      const chunk: OutChunk = { rows: group.rows, partition: 0, columns: chunkColumns, release() {} };
      writer.append(chunk);
    } finally {
      for (const c of held) pool.release(c);
    }
    if (!writer.ready()) await new Promise<void>((resolve) => writer.onReady(resolve));
  }
}

/** The longest run of neighbours that are small: merging them keeps the table's order. */
function longestRun(visible: readonly RowGroup[], csn: number): readonly RowGroup[] {
  let best: readonly RowGroup[] = [];
  let start = 0;
  for (let i = 0; i <= visible.length; i++) {
    const g = visible[i];
    if (g !== undefined && g.rows <= SMALL_ROWS && g.until === undefined && g.csn! <= csn) continue;
    if (i - start > best.length) best = visible.slice(start, i);
    start = i + 1;
  }
  return best;
}

/** The table's columns as the file's schema has them. Row groups that are merged are small. */
function readColumns(path: string): TableColumn[] {
  const { fields } = readArrowFile(readFileSync(path));
  return fields.map((f) => ({ name: f.name, type: columnOf(f).type, notNull: !f.nullable }));
}

/** A segment's tables: writing, two-phase commit, snapshots, scans, recovery.
 *
 *  Owns: the directory (`manifest`, `t<storageId>/<group>.arrow`) and what is visible to whom. Must not know: SQL,
 *  plans, the network. Invariants: what `commit` has acknowledged survives kill -9; what was prepared stays prepared;
 *  everything else leaves no trace (files that no manifest record names are removed by `open`).
 *  A row group becomes visible by its csn alone: scans at an older csn never see it. */
import { readdirSync, rmSync } from 'node:fs';
import { unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { makeDirectory } from '../types/make-directory.js';
import type { Encoding, MemoryPool } from '../types/memory.js';
import type { SqlType } from '../types/sql-type.js';
import { analyzeGroups, SAMPLE_ROWS, type SegmentStatistics } from './analyze.js';
import { BufferPool } from './buffer-pool.js';
import type { EncodeKernels } from './encode-kernels.js';
import { FileCache } from './file-cache.js';
import { GroupMerger } from './group-merger.js';
import { ioError } from './io-error.js';
import { Manifest, type ManifestOp, packOps, unpackOps } from './manifest.js';
import { ManifestLog, syncDirectory } from './manifest-log.js';
import { floorOf, type RowGroup, rowGroupPath, storageDirectory, type TableColumn } from './row-group.js';
import { type RowGroupFile, writeDurably } from './row-group-file.js';
import { TableScan } from './table-scan.js';
import { type ColumnFacts, TableView } from './table-view.js';
import { TableWriter, type WriterHost } from './table-writer.js';
import { type ZoneTest, zoneTest } from './zone-map.js';

/** The manifest is rewritten as a snapshot when it has grown by this much, and to twice its last snapshot. */
const COMPACT_BYTES = 4 << 20;

export type StoreOptions = {
  /** For messages only. */
  readonly segmentId?: number;
  readonly compactBytes?: number;
  /** How much of the memory cached columns may take; three quarters of it unless told otherwise. */
  readonly bufferPoolBytes?: number;
  /** Compiled loops for encoding. */
  readonly kernels?: EncodeKernels | undefined;
};

export type WriterOptions = {
  /** For messages. */
  readonly table?: string;
  /** False: row groups are encoded in TypeScript. */
  readonly compiled?: boolean;
};

/** `scale`: the type is a numeric without scale, but the table's column declares this one, so that row groups without NaN
 *  have integers. */
export type ScanColumn = { readonly type: SqlType; readonly scale?: number | undefined };

export type ScanRequest = {
  readonly storageId: number;
  readonly csn: bigint;
  /** Columns of the table to load, by ordinal, and their types. */
  readonly ordinals: readonly number[];
  readonly columns: readonly ScanColumn[];
  /** Conjuncts of the filter; types of the columns they name. Row groups that cannot satisfy one are skipped. */
  readonly zone?: readonly (ZoneTest & { readonly type: SqlType })[];
  /** Settles when the query is over. Until then the strings of its batches stay where they are, also when the scan is closed
   *  early. Absent: until the scan is closed. */
  readonly until?: Promise<unknown>;
};

/** Exact facts about the visible rows on this segment, by ordinal; ranges of integers, dates and fixed-scale numerics. */
export type StorageSummary = {
  readonly rows: number;
  readonly columns: readonly ColumnFacts[];
};

type Storage = {
  /** Widest encoding of each column over all row groups, those not yet committed included. */
  readonly encodings: (Encoding | undefined)[];
  directoryMade: boolean;
};

/** A writing statement that is not prepared yet. */
type OpenGxid = { readonly writers: TableWriter[]; readonly groups: RowGroup[] };

export class SegmentStore {
  readonly dir: string;
  readonly memory: MemoryPool;
  readonly pool: BufferPool;
  private readonly files = new FileCache();
  private readonly log: ManifestLog<ManifestOp>;
  private readonly manifest: Manifest;
  private readonly storageState = new Map<number, Storage>();
  private readonly open_ = new Map<number, OpenGxid>();
  /** Scans that hold a row group's file. */
  private readonly holders = new Map<number, number>();
  /** Row groups that are gone but still held. */
  private readonly leaving = new Map<number, RowGroup>();
  private readonly merger: GroupMerger;
  private readonly views = new Map<number, TableView>();
  private readonly compiled: WriterHost['compiled'];
  private readonly compactBytes: number;
  private compactAt: number;
  /** Changes of the manifest begin after it: a compaction must see a state that matches the log. */
  private turn: Promise<void> = Promise.resolve();
  private readonly changes = new Set<Promise<void>>();
  private readonly removals = new Set<Promise<void>>();

  private constructor(
    dir: string,
    memory: MemoryPool,
    log: ManifestLog<ManifestOp>,
    manifest: Manifest,
    options: StoreOptions,
  ) {
    this.dir = dir;
    this.memory = memory;
    this.log = log;
    this.manifest = manifest;
    this.pool = new BufferPool({
      memory,
      files: this.files,
      path: (group) => rowGroupPath(this.dir, group),
      shareBytes: options.bufferPoolBytes ?? memory.limitBytes * 0.75,
    });
    this.compactBytes = options.compactBytes ?? COMPACT_BYTES;
    this.compactAt = this.compactBytes;
    this.compiled = options.kernels && { kernels: options.kernels, budget: { bytes: 0 } };
    this.merger = new GroupMerger({
      pool: this.pool,
      path: (group) => rowGroupPath(this.dir, group),
      hold: (groups) => this.hold(groups),
      unhold: (groups) => this.unhold(groups),
      host: (storageId, groups) => ({
        memory: this.memory,
        floor: (ordinal) => this.stateOf(storageId).encodings[ordinal],
        widened: (ordinal, encoding) => this.noteEncoding(this.stateOf(storageId), ordinal, encoding),
        write: (file, rows) => this.writeGroup(groups, 0, storageId, file, rows),
      }),
      change: (op) => this.change(op),
      syncDirectory: (storageId) => syncDirectory(storageDirectory(this.dir, storageId)),
      discard: (group) => this.removeFile(group),
    });
  }

  /** Opens (or creates) a segment's data directory and recovers: the manifest's torn tail is trimmed, files that it does not
   *  name are removed. Throws XX001 when the manifest is damaged elsewhere. */
  static async open(dir: string, memory: MemoryPool, options: StoreOptions = {}): Promise<SegmentStore> {
    makeDirectory(dir);
    const { log, records } = await ManifestLog.open<ManifestOp>(join(dir, 'manifest'), packOps);
    const manifest = new Manifest();
    for (const record of records) for (const op of unpackOps(record)) manifest.apply(op);
    const store = new SegmentStore(dir, memory, log, manifest, options);
    store.removeOrphans();
    for (const g of manifest.groups.values()) store.noteEncodings(g);
    // No query is running: whoever may still look at them has lost this segment.
    await store.merger.forget([...manifest.groups.values()].filter((g) => g.until !== undefined));
    return store;
  }

  async close(): Promise<void> {
    await this.merger.close();
    await this.turn;
    await Promise.allSettled([...this.changes]);
    for (const open of this.open_.values()) await Promise.all(open.writers.map((w) => w.abort()));
    await this.pool.settled();
    await Promise.all(this.removals);
    this.files.close();
    await this.log.close();
  }

  // -------------------------------------------------------------- writing

  /** A writer of rows for one table; several may write for a gxid. Invisible until `prepare` and `commit`. */
  openWriter(
    gxid: bigint,
    storageId: number,
    columns: readonly TableColumn[],
    options: WriterOptions = {},
  ): TableWriter {
    const id = Number(gxid);
    if (this.manifest.prepared.has(id)) throw new Error(`gxid ${gxid} is prepared: it takes no more rows`);
    let open = this.open_.get(id);
    if (open === undefined) {
      open = { writers: [], groups: [] };
      this.open_.set(id, open);
    }
    const owner = open;
    const state = this.stateOf(storageId);
    const writer = new TableWriter(id, storageId, columns, options.table ?? `storage ${storageId}`, {
      memory: this.memory,
      compiled: options.compiled === false ? undefined : this.compiled,
      floor: (ordinal) => state.encodings[ordinal],
      widened: (ordinal, encoding) => this.noteEncoding(state, ordinal, encoding),
      write: (file, rows) => this.writeGroup(owner.groups, id, storageId, file, rows),
    });
    open.writers.push(writer);
    return writer;
  }

  private async writeGroup(
    written: RowGroup[],
    gxid: number,
    storageId: number,
    file: RowGroupFile,
    rows: number,
  ): Promise<RowGroup> {
    const group: RowGroup = {
      id: this.manifest.nextGroup++,
      storageId,
      rows,
      fileBytes: file.fileBytes,
      gxid,
      csn: undefined,
      columns: file.columns,
    };
    // Known before a byte is written, so that a rollback finds what an aborted writer left.
    written.push(group);
    const state = this.stateOf(storageId);
    const path = rowGroupPath(this.dir, group);
    try {
      if (!state.directoryMade) {
        makeDirectory(storageDirectory(this.dir, storageId));
        state.directoryMade = true;
      }
      await writeDurably(path, file.parts);
    } catch (e) {
      throw ioError(`could not write row group ${path}`, e);
    }
    return group;
  }

  /** Makes everything that `gxid` wrote durable, invisible still. All its writers must have finished. A gxid that wrote nothing
   *  here needs no record. */
  async prepare(gxid: bigint): Promise<void> {
    const id = Number(gxid);
    const open = this.open_.get(id);
    if (open === undefined) return;
    for (const w of open.writers)
      if (w.groups === undefined) throw new Error(`prepare of gxid ${gxid} while it still writes`);
    const groups = open.writers.flatMap((w) => w.groups!);
    if (groups.length > 0) {
      const storages = [...new Set(groups.map((g) => g.storageId))];
      const directories = [this.dir, ...storages.map((id) => storageDirectory(this.dir, id))];
      await Promise.all(directories.map(syncDirectory));
      await this.change({ op: 'prepare', gxid: id, groups });
    }
    this.open_.delete(id);
  }

  /** Makes a prepared gxid visible at `csn`. A gxid that is not known (committed before, or it wrote nothing here) is
   *  left alone, so that the master may repeat a commit. */
  async commit(gxid: bigint, csn: bigint): Promise<void> {
    const id = Number(gxid);
    const open = this.open_.get(id);
    if (open !== undefined) {
      if (open.writers.length > 0) throw new Error(`commit of gxid ${gxid}, which is not prepared`);
      this.open_.delete(id);
    }
    if (!this.manifest.prepared.has(id)) return;
    await this.change({ op: 'commit', gxid: id, csn: Number(csn) });
  }

  /** Removes whatever `gxid` wrote. Idempotent. */
  async rollback(gxid: bigint): Promise<void> {
    const id = Number(gxid);
    const open = this.open_.get(id);
    if (open !== undefined) {
      await Promise.all(open.writers.map((w) => w.abort()));
      this.open_.delete(id);
      if (!this.manifest.prepared.has(id)) for (const g of open.groups) this.removeFile(g);
      for (const w of open.writers) this.renoteEncodings(w.storageId);
    }
    if (this.manifest.prepared.has(id)) await this.change({ op: 'rollback', gxid: id });
    await Promise.all(this.removals);
  }

  /** Prepared and in doubt: the master knows their outcome. */
  preparedGxids(): bigint[] {
    return [...this.manifest.prepared.keys()].map(BigInt);
  }

  /** Forgets a table's rows, durably and for all snapshots; files go when no scan holds them. Idempotent. */
  async dropStorage(storageId: number): Promise<void> {
    if (!this.manifest.byStorage.has(storageId)) return;
    await this.change({ op: 'drop', storageId });
    this.storageState.delete(storageId);
  }

  /** Storages that have row groups here. */
  storages(): number[] {
    return [...this.manifest.byStorage.keys()];
  }

  // -------------------------------------------------------------- reading

  /** Row groups that a snapshot at `csn` sees, in order of writing. */
  snapshot(storageId: number, csn: bigint): readonly RowGroup[] {
    return this.view(storageId, csn).groups;
  }

  private view(storageId: number, csn: bigint): TableView {
    const limit = Number(csn);
    const known = this.views.get(storageId);
    if (known?.isAsOf(limit) === true) return known;
    const visible: RowGroup[] = [];
    let lasting = true;
    for (const g of this.manifest.byStorage.get(storageId)?.values() ?? []) {
      if (g.csn === undefined) continue;
      if (g.csn > limit || g.until !== undefined) lasting = false;
      if (g.csn <= limit && (g.until === undefined || limit < g.until)) visible.push(g);
    }
    visible.sort((a, b) => (a.order ?? a.id) - (b.order ?? b.id) || a.id - b.id);
    const view = new TableView(visible, limit, lasting);
    this.views.set(storageId, view);
    return view;
  }

  summary(storageId: number, csn: bigint): StorageSummary {
    const view = this.view(storageId, csn);
    const { groups } = view;
    const rows = groups.reduce((n, g) => n + g.rows, 0);
    const width = groups.reduce((n, g) => Math.max(n, g.columns.length), 0);
    return { rows, columns: Array.from({ length: width }, (_, i) => view.columnFacts(i)!) };
  }

  /** What `summary` says of one column; undefined when no row is visible. */
  columnSummary(storageId: number, csn: bigint, ordinal: number): ColumnFacts | undefined {
    return this.view(storageId, csn).columnFacts(ordinal);
  }

  /** The visible rows as batches; loading begins at once. The caller must `close` it. */
  scan(request: ScanRequest): TableScan {
    const { storageId, ordinals, columns } = request;
    const view = this.view(storageId, request.csn);
    const visible = view.groups;
    const layout = ordinals.map((ordinal, i) => view.layout(ordinal, columns[i]!.type, columns[i]!.scale));
    const tests = (request.zone ?? []).map((t) => ({ ordinal: t.ordinal, mayMatch: zoneTest(t.type, t) }));
    this.merger.noticeScan(storageId, Number(request.csn), visible);
    const groups = visible.filter((g) =>
      tests.every((t) => {
        const column = g.columns[t.ordinal];
        return column === undefined || t.mayMatch(column, g.rows);
      }),
    );
    this.hold(groups);
    return new TableScan({
      pool: this.pool,
      ordinals,
      layout,
      scales: columns.map((c) => c.scale),
      groups,
      visibleGroups: visible.length,
      until: request.until,
      onClosed: () => this.unhold(groups),
    });
  }

  /** This segment's part of ANALYZE, as plain data for `mergeAnalyze`. */
  async analyze(
    storageId: number,
    csn: bigint,
    columns: readonly { readonly type: SqlType }[],
    sampleRows = SAMPLE_ROWS,
  ): Promise<SegmentStatistics> {
    const groups = this.snapshot(storageId, csn);
    const summary = this.summary(storageId, csn);
    this.hold(groups);
    try {
      return await analyzeGroups({
        pool: this.pool,
        groups,
        columns,
        ranges: columns.map((_, i) => summary.columns[i]?.range),
        sampleRows,
        seed: storageId,
      });
    } finally {
      this.unhold(groups);
    }
  }

  /** Resolves when no merge of small row groups is under way. */
  idle(): Promise<void> {
    return this.merger.idle();
  }

  // -------------------------------------------------------------- state

  private stateOf(storageId: number): Storage {
    let state = this.storageState.get(storageId);
    if (state === undefined) {
      state = { encodings: [], directoryMade: false };
      this.storageState.set(storageId, state);
    }
    return state;
  }

  private noteEncodings(group: RowGroup): void {
    const state = this.stateOf(group.storageId);
    for (const [i, c] of group.columns.entries()) this.noteEncoding(state, i, c.encoding);
  }

  /** Encodings that only a failed load used should not burden the rows to come. */
  private renoteEncodings(storageId: number): void {
    const state = this.stateOf(storageId);
    state.encodings.length = 0;
    for (const g of this.manifest.byStorage.get(storageId)?.values() ?? []) this.noteEncodings(g);
    for (const open of this.open_.values())
      for (const g of open.groups) if (g.storageId === storageId) this.noteEncodings(g);
  }

  private noteEncoding(state: Storage, ordinal: number, encoding: Encoding): void {
    const known = state.encodings[ordinal];
    state.encodings[ordinal] = floorOf(known, encoding);
  }

  /** Logs an operation, then applies it. Operations of the same moment share an fsync. */
  private change(op: ManifestOp): Promise<void> {
    const applied = this.turn
      .then(() => this.log.append(op))
      .then(() => {
        this.views.clear();
        for (const g of this.manifest.apply(op)) this.leave(g);
      });
    this.changes.add(applied);
    const done = (): void => {
      this.changes.delete(applied);
    };
    applied.then(done, done);
    if (this.log.bytes > this.compactAt) {
      this.compactAt = Number.POSITIVE_INFINITY;
      // Later changes wait; those under way are part of the snapshot.
      this.turn = Promise.allSettled([...this.changes]).then(() => this.compact());
    }
    return applied;
  }

  private async compact(): Promise<void> {
    try {
      await this.log.compact(packOps([this.manifest.snapshot()]));
    } catch {
      // The log is as it was (or refuses writes from now on, which then say so).
    }
    this.compactAt = this.log.bytes * 2 + this.compactBytes;
  }

  private leave(group: RowGroup): void {
    if (this.holders.has(group.id)) this.leaving.set(group.id, group);
    else this.removeFile(group);
  }

  private hold(groups: readonly RowGroup[]): void {
    for (const g of groups) this.holders.set(g.id, (this.holders.get(g.id) ?? 0) + 1);
  }

  private unhold(groups: readonly RowGroup[]): void {
    for (const g of groups) {
      const holders = this.holders.get(g.id)! - 1;
      if (holders > 0) {
        this.holders.set(g.id, holders);
        continue;
      }
      this.holders.delete(g.id);
      if (this.leaving.delete(g.id)) this.removeFile(g);
    }
  }

  private removeFile(group: RowGroup): void {
    const path = rowGroupPath(this.dir, group);
    this.pool.forget(group.id);
    this.files.forget(path);
    // A file that stays behind is an orphan: `open` removes it.
    const removal = unlink(path).catch(() => undefined);
    this.removals.add(removal);
    void removal.then(() => this.removals.delete(removal));
  }

  private removeOrphans(): void {
    for (const entry of readdirSync(this.dir, { withFileTypes: true })) {
      if (entry.name === 'manifest.tmp') rmSync(join(this.dir, entry.name));
      if (!entry.isDirectory() || !/^t\d+$/.test(entry.name)) continue;
      const known = this.manifest.byStorage.get(Number(entry.name.slice(1)));
      const path = join(this.dir, entry.name);
      if (known === undefined || known.size === 0) {
        rmSync(path, { recursive: true });
        continue;
      }
      for (const file of readdirSync(path))
        if (!/^\d+\.arrow$/.test(file) || !known.has(Number.parseInt(file, 10))) rmSync(join(path, file));
    }
  }
}

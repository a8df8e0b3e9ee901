/** The distributed executor behind `Dispatcher` (api.ts): plans to slices on processes, loads to two-phase commits.
 *
 *  Owns: the set of running queries (a segment that goes down fails those it takes part in) and the calls to segments that
 *  are not part of a query. Must not know: SQL, sessions, the catalog. */
import type { MethodDefinition } from '@grpc/grpc-js';
import type { Logger } from 'pino';
import type { SliceProgress } from '../../engine/api.js';
import type {
  AnalyzeRequest,
  PrepareBody,
  StorageSummary,
  SummaryRequest,
} from '../../exchange/control-messages.js';
import { pack, unpack } from '../../exchange/grpc/codec.js';
import { remoteError } from '../../exchange/grpc/server.js';
import { type Payload, SegmentService } from '../../exchange/grpc/services.js';
import type { DistributedPlan } from '../../plan/physical.js';
import type { SegmentStatistics } from '../../storage/analyze.js';
import { mergeAnalyze } from '../../storage/merge-analyze.js';
import { type Csn, type Gxid, MASTER, type SegmentId, type StorageId } from '../../types/ids.js';
import type { MemoryPool } from '../../types/memory.js';
import { SqlError } from '../../types/sql-error.js';
import { Loads, mergeSummaries, type Participants } from '../cluster/loads.js';
import { downError, type Member, type Membership } from '../cluster/membership.js';
import type { OutcomeLog } from '../cluster/outcome-log.js';
import type {
  AnalyzeResult,
  CopyInOptions,
  CopyStream,
  Dispatcher,
  QueryProgress,
  RunOptions,
  RunStats,
  SegmentInfo,
  TableSummary,
  TableTarget,
} from './api.js';
import { copyPlan } from './copy-plan.js';
import { SegmentCopyStream } from './copy-stream.js';
import { insertsReplicated, type QueryHost, RunningQuery } from './running-query.js';

export class ClusterDispatcher implements Dispatcher {
  readonly loads: Loads;
  private readonly host: QueryHost;
  private readonly membership: Membership;
  private readonly log: Logger;
  private readonly running = new Set<RunningQuery>();
  private stopping: SqlError | undefined;

  constructor(host: QueryHost, membership: Membership, outcomes: OutcomeLog, log: Logger) {
    this.host = host;
    this.membership = membership;
    this.log = log;
    membership.listen({
      up: (m) => {
        // The process at this address is another one now.
        host.peers.forget(m.address);
        this.loads.settled(m);
      },
      down: (m) => {
        for (const q of this.running) if (q.uses(m.id)) q.segmentLost(m);
        host.peers.gone(m.address);
      },
    });
    this.loads = new Loads(outcomes, membership, this.participants(), log);
  }

  get memory(): MemoryPool {
    return this.host.engine.memory;
  }

  run(plan: DistributedPlan, options: RunOptions): Promise<RunStats> {
    return this.start(plan, options).finished;
  }

  copyIn(options: CopyInOptions): CopyStream {
    const plan = copyPlan(options, this.allSegments());
    const abort = new AbortController();
    const signal = AbortSignal.any([options.signal, abort.signal]);
    try {
      const { query, finished } = this.start(plan, {
        queryId: options.queryId,
        params: [],
        settings: options.settings,
        snapshotCsn: this.snapshot(),
        gxid: options.gxid,
        instrument: false,
        signal,
        sink: NO_SINK,
        virtualScan: () => {
          throw new Error('COPY reads no virtual tables');
        },
      });
      const members = this.allSegments().map((id) => this.membership.require(id));
      return new SegmentCopyStream(options, members, this.host.peers, query, finished);
    } catch (e) {
      return new FailedCopyStream(e);
    }
  }

  beginLoad(): Promise<Gxid> {
    return this.loads.begin();
  }

  commitLoad(gxid: Gxid, beforeVisible: (added: readonly TableSummary[]) => Promise<void>): Promise<void> {
    return this.loads.commit(gxid, (added) => beforeVisible(added.map(toTableSummary)));
  }

  abortLoad(gxid: Gxid): Promise<void> {
    return this.loads.abort(gxid);
  }

  snapshot(): Csn {
    return this.loads.snapshot();
  }

  async tableSummary(table: TableTarget): Promise<TableSummary> {
    const request: SummaryRequest = { csn: this.snapshot() };
    const parts = await this.askSegments(table, (m) =>
      this.call(m, SegmentService.TableSummary, { storage_id: table.storageId, msgpack: pack(request) }),
    );
    const merged = mergeSummaries(
      parts.map((p) => unpack<StorageSummary>(p.msgpack)),
      new Set(table.distribution.kind === 'replicated' ? [table.storageId] : []),
    );
    return toTableSummary(merged[0] ?? { storageId: table.storageId, rows: 0, columns: [] });
  }

  async analyze(
    table: TableTarget,
    ordinals: readonly number[],
    options: { readonly signal: AbortSignal },
  ): Promise<AnalyzeResult> {
    const request: AnalyzeRequest = {
      csn: this.snapshot(),
      ordinals,
      columns: table.columns.map(({ name, type }) => ({ name, type })),
    };
    const parts = await this.askSegments(table, (m) =>
      this.call(
        m,
        SegmentService.Analyze,
        { storage_id: table.storageId, msgpack: pack(request) },
        options.signal,
      ),
    );
    const merged = mergeAnalyze(
      parts.map((p) => unpack<SegmentStatistics>(p.msgpack)),
      table.columns,
    );
    const columns = merged.columns.map((c, ordinal) => {
      if (!ordinals.includes(ordinal)) return undefined;
      const { range: _range, noNulls: _noNulls, ...estimates } = c;
      return estimates;
    });
    return { rows: merged.rows, columns };
  }

  async dropStorage(storageId: StorageId): Promise<void> {
    await Promise.all(
      this.membership
        .list()
        .filter((m) => m.up)
        .map((m) =>
          this.call(m, SegmentService.DropStorage, { storage_id: storageId, msgpack: EMPTY }).catch(
            (e: unknown) => this.log.warn({ err: e, segment: m.id, storageId }, 'a storage was not dropped'),
          ),
        ),
    );
  }

  segments(): readonly SegmentInfo[] {
    return this.allSegments().map((id) => {
      const m = this.membership.member(id);
      // Plans count on every segment from the first row on, also on those that have yet to join.
      if (m === undefined) return { id, address: '', up: false, pid: undefined };
      return { id, address: m.address, up: m.up, pid: m.pid };
    });
  }

  async progress(): Promise<readonly QueryProgress[]> {
    const queries = [...this.running].filter((q) => q.pid !== undefined);
    const members = new Set(queries.flatMap((q) => q.members()));
    const bySegment = new Map<SegmentId, readonly SliceProgress[]>([[MASTER, this.host.engine.progress()]]);
    await Promise.all(
      [...members].map(async (m) => {
        const signal = AbortSignal.timeout(PROGRESS_TIMEOUT_MS);
        const reply = await this.call(m, SegmentService.Progress, {}, signal).catch(() => undefined);
        if (reply !== undefined) bySegment.set(m.id, unpack<SliceProgress[]>(reply.msgpack));
      }),
    );
    return queries.flatMap((q) => q.progress(bySegment));
  }

  /** Ends every running query with 57P01. */
  async stop(): Promise<void> {
    this.stopping = new SqlError('57P01', 'terminating connection due to administrator command');
    for (const q of this.running) q.fail(this.stopping);
    while (this.running.size > 0) await new Promise((resolve) => setTimeout(resolve, 10));
  }

  private start(
    plan: DistributedPlan,
    options: RunOptions,
  ): { query: RunningQuery; finished: Promise<RunStats> } {
    if (this.stopping !== undefined) throw this.stopping;
    const members = new Map<SegmentId, Member>();
    for (const slice of plan.slices)
      for (const id of slice.gang) if (id !== MASTER) members.set(id, this.membership.require(id));
    for (const slice of plan.slices) {
      if (slice.sink.kind !== 'insert') continue;
      if (options.gxid === undefined) throw new Error('a slice that stores rows needs a gxid');
      this.loads.writesOn(
        options.gxid,
        slice.gang.map((id) => members.get(id)!),
        slice.sink.storageId,
        insertsReplicated(plan, slice),
      );
    }
    const query = new RunningQuery(this.host, plan, options, members);
    this.running.add(query);
    const finished = query.run().finally(() => this.running.delete(query));
    return { query, finished };
  }

  private allSegments(): SegmentId[] {
    return Array.from({ length: this.membership.expected }, (_, i) => i as SegmentId);
  }

  /** One answer of each segment; of one segment only when all have the same rows. */
  private askSegments(table: TableTarget, ask: (m: Member) => Promise<Payload>): Promise<Payload[]> {
    const ids = this.allSegments();
    const wanted = table.distribution.kind === 'replicated' ? ids.slice(0, 1) : ids;
    return Promise.all(wanted.map((id) => ask(this.membership.require(id))));
  }

  private async call<Req, Res>(
    member: Member,
    method: MethodDefinition<Req, Res>,
    request: Req,
    signal?: AbortSignal,
  ): Promise<Res> {
    const { epoch } = member;
    try {
      const reply = this.host.peers.at(member.address).unary(method, request);
      return await (signal === undefined ? reply : Promise.race([reply, aborted(signal)]));
    } catch (e) {
      const known = remoteError(e);
      if (known !== undefined) throw known;
      if (!member.up || member.epoch !== epoch) throw downError(member);
      throw new SqlError('08006', `segment ${member.id} (${member.address}) did not answer`, {
        detail: e instanceof Error ? e.message : String(e),
      });
    }
  }

  private participants(): Participants {
    return {
      prepare: async (m, gxid) => {
        const reply = await this.call(m, SegmentService.Prepare, { gxid: String(gxid) });
        return unpack<PrepareBody>(reply.msgpack).added;
      },
      commit: async (m, gxid, csn) => {
        await this.call(m, SegmentService.Commit, { gxid: String(gxid), csn: String(csn) });
      },
      rollback: async (m, gxid) => {
        await this.call(m, SegmentService.Rollback, { gxid: String(gxid) });
      },
    };
  }
}

/** A segment that is too busy to say how far it is must not keep the one who asks. */
const PROGRESS_TIMEOUT_MS = 500;

const EMPTY = Buffer.alloc(0);

const NO_SINK = {
  push: () => undefined,
  ready: () => true,
  onReady: () => undefined,
  done: false,
  finish: () => Promise.resolve(),
  abort: () => undefined,
};

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const stop = (): void =>
      reject(
        signal.reason instanceof SqlError
          ? signal.reason
          : new SqlError('57014', 'canceling statement due to user request'),
      );
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
}

function toTableSummary(s: StorageSummary): TableSummary {
  return {
    storageId: s.storageId,
    rows: s.rows,
    columns: s.columns.map(({ range, noNulls, hasNan }) => ({
      ...(range === undefined ? {} : { range }),
      noNulls,
      ...(hasNan === true ? { hasNan } : {}),
    })),
  };
}

/** A COPY that could not start says so when its first line comes. */
class FailedCopyStream implements CopyStream {
  private readonly error: unknown;

  constructor(error: unknown) {
    this.error = error;
  }
  write(): Promise<void> {
    return Promise.reject(this.error);
  }
  end(): Promise<{ rows: number }> {
    return Promise.reject(this.error);
  }
  abort(): Promise<void> {
    return Promise.resolve();
  }
}

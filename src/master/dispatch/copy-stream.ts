/** Lines of a COPY on their way to the segments: block by block, to whichever segment has room.
 *
 *  Owns: one CopyIn call for each segment, back-pressure (at most BLOCKS_IN_FLIGHT unparsed blocks at each), the choice among
 *  parse errors: the one with the lowest line. Must not know: what a line holds. */
import type { ClientWritableStream } from '@grpc/grpc-js';
import type { EvalSettings } from '../../engine/api.js';
import type { CopyInOpen } from '../../exchange/control-messages.js';
import { pack, unpack } from '../../exchange/grpc/codec.js';
import type { Peers } from '../../exchange/grpc/peer.js';
import { type CopyBlock, SegmentService } from '../../exchange/grpc/services.js';
import { errorFromWire, SqlError, type WireError } from '../../types/sql-error.js';
import type { Member } from '../cluster/membership.js';
import type { CopyInOptions, CopyStream, RunStats } from './api.js';
import type { RunningQuery } from './running-query.js';

type Lane = {
  readonly call: ClientWritableStream<CopyBlock>;
  /** Writes that the stream has not passed on yet. */
  waiting: number;
  readonly finished: Promise<void>;
};

const BLOCKS_IN_FLIGHT = 2;

export class SegmentCopyStream implements CopyStream {
  private readonly query: RunningQuery;
  private readonly finished: Promise<RunStats>;
  private readonly lanes: readonly Lane[];
  private turn = 0;
  private failed: unknown;
  private wake: (() => void)[] = [];

  constructor(
    options: CopyInOptions,
    members: readonly Member[],
    peers: Peers,
    query: RunningQuery,
    finished: Promise<RunStats>,
  ) {
    this.query = query;
    this.finished = finished;
    finished.catch((e: unknown) => this.fail(e));
    const open: CopyInOpen<EvalSettings> = {
      queryId: options.queryId,
      table: options.table.name,
      columns: options.ordinals.map((o) => options.table.columns[o]!),
      options: options.options,
      settings: options.settings,
    };
    const bytes = pack(open);
    this.lanes = members.map((m) => this.openLane(m, peers, bytes));
  }

  async write(block: Uint8Array, firstLine: number): Promise<void> {
    const lane = await this.freeLane();
    lane.waiting++;
    lane.call.write({ text: { data: block, first_line: String(firstLine) } }, () => {
      lane.waiting--;
      this.wakeUp();
    });
    // A parse error met so far ends the stream here, not at the next block.
    if (this.failed !== undefined) throw this.failed;
  }

  async end(): Promise<{ readonly rows: number }> {
    for (const lane of this.lanes) {
      lane.call.write({ end: true });
      lane.call.end();
    }
    await Promise.all(this.lanes.map((l) => l.finished));
    const stats = await this.finished.catch((e: unknown) => {
      throw this.failed ?? e;
    });
    if (this.failed !== undefined) throw this.failed;
    return { rows: stats.rowsInserted };
  }

  async abort(error: unknown): Promise<void> {
    this.fail(error);
    this.query.fail(error);
    await this.finished.catch(() => undefined);
  }

  private openLane(member: Member, peers: Peers, open: Uint8Array): Lane {
    const { call, reply } = peers.at(member.address).clientStream(SegmentService.CopyIn);
    const finished = reply.then(
      (result) => {
        if (result.error.length > 0) {
          const error = errorFromWire(unpack<WireError>(result.error));
          this.fail(error);
          this.query.fail(error);
        }
      },
      () => {
        // The segment is lost, or the query has failed: it knows why.
        this.query.segmentLost(member);
      },
    );
    call.on('error', () => undefined);
    call.write({ open });
    return { call, waiting: 0, finished };
  }

  private async freeLane(): Promise<Lane> {
    for (;;) {
      if (this.failed !== undefined) throw this.failed;
      for (let i = 0; i < this.lanes.length; i++) {
        this.turn = (this.turn + 1) % this.lanes.length;
        const lane = this.lanes[this.turn]!;
        if (lane.waiting < BLOCKS_IN_FLIGHT) return lane;
      }
      await new Promise<void>((resolve) => this.wake.push(resolve));
    }
  }

  private fail(error: unknown): void {
    if (this.failed === undefined || isEarlier(error, this.failed)) this.failed = error;
    for (const lane of this.lanes ?? []) lane.call.cancel();
    this.wakeUp();
  }

  private wakeUp(): void {
    for (const w of this.wake.splice(0)) w();
  }
}

/** Both are errors in lines, and the first is in an earlier one. */
function isEarlier(a: unknown, b: unknown): boolean {
  const [x, y] = [lineOf(a), lineOf(b)];
  return x !== undefined && y !== undefined && x < y;
}

function lineOf(e: unknown): number | undefined {
  const m = e instanceof SqlError ? /^COPY .*, line (\d+)/s.exec(e.where ?? '') : null;
  return m === null ? undefined : Number(m[1]);
}

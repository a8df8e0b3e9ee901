/** Lines of a COPY on their way to the segments: block by block, to whichever segment has room.
 *
 *  Owns: one CopyIn call for each segment, back-pressure (a block leaves only against the segment's credit), the choice among
 *  parse errors: the one with the lowest line. A segment that can read the COPY's file is told where a block is
 *  instead of getting it. Must not know: what a line holds. */
import type { ClientDuplexStream } from '@grpc/grpc-js';
import type { EvalSettings } from '../../engine/api.js';
import type { CopyInOpen } from '../../exchange/control-messages.js';
import { pack, unpack } from '../../exchange/grpc/codec.js';
import type { Peers } from '../../exchange/grpc/peer.js';
import {
  type CopyBlock,
  type CopyReply,
  encodeCopyText,
  SegmentService,
} from '../../exchange/grpc/services.js';
import { errorFromWire, type SqlError, type WireError } from '../../types/sql-error.js';
import type { Member } from '../cluster/membership.js';
import type { CopyInOptions, CopyLines, CopyStream, RunStats } from './api.js';
import type { RunningQuery } from './running-query.js';

type Lane = {
  readonly call: ClientDuplexStream<CopyBlock, CopyReply>;
  /** Blocks that the segment has room for. */
  credit: number;
  readsFile: boolean;
  /** Settles with the segment's answer; its errors have been noted. */
  readonly finished: Promise<void>;
};

export class SegmentCopyStream implements CopyStream {
  private readonly query: RunningQuery;
  private readonly finished: Promise<RunStats>;
  private readonly lanes: readonly Lane[];
  private turn = 0;
  private failure: { readonly error: unknown } | undefined;
  private ended = false;
  private badLine: SqlError | undefined;
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
    const open: CopyInOpen<EvalSettings> = {
      queryId: options.queryId,
      table: options.table.name,
      columns: options.ordinals.map((o) => options.table.columns[o]!),
      where: options.where,
      options: options.options,
      settings: options.settings,
      file: options.file,
    };
    const bytes = pack(open);
    this.lanes = members.map((m) => this.openLane(m, peers, bytes));
    finished.catch((e: unknown) => this.fail(e));
  }

  async write({ bytes, firstLine, fileOffset }: CopyLines): Promise<void> {
    const lane = await this.freeLane();
    lane.credit--;
    if (lane.readsFile && fileOffset !== undefined)
      lane.call.write({
        range: { offset: String(fileOffset), bytes: bytes.length, first_line: String(firstLine) },
      });
    else lane.call.write({ encoded: encodeCopyText(bytes, firstLine) });
  }

  async end(): Promise<{ readonly rows: number }> {
    this.endLanes();
    await Promise.all(this.lanes.map((l) => l.finished));
    const stats = await this.finished.catch((e: unknown) => {
      throw this.failure?.error ?? e;
    });
    if (this.failure !== undefined) throw this.failure.error;
    return { rows: stats.rowsInserted };
  }

  async abort(error: unknown): Promise<void> {
    this.fail(error);
    await this.finished.catch(() => undefined);
  }

  private openLane(member: Member, peers: Peers, open: Uint8Array): Lane {
    const call = peers.at(member.address).duplex(SegmentService.CopyIn);
    const finished = new Promise<void>((resolve) => {
      let answered = false;
      call.on('data', (reply: CopyReply) => {
        if ('ready' in reply) {
          lane.readsFile = reply.ready.reads_file;
          lane.credit += reply.ready.credit;
        } else if ('credit' in reply) lane.credit += reply.credit;
        else {
          answered = true;
          lane.credit = 0;
          const { error } = reply.result;
          if (error.length > 0) this.lineFailed(errorFromWire(unpack<WireError>(error)));
          resolve();
        }
        this.wakeUp();
      });
      const over = (): void => {
        // The segment is lost, or the query has failed: it knows why.
        if (!answered) this.query.segmentLost(member);
        answered = true;
        resolve();
      };
      call.on('error', over);
      call.on('end', over);
    });
    const lane: Lane = { call, credit: 0, readsFile: false, finished };
    call.write({ open });
    return lane;
  }

  /** Earlier lines may be on their way at other segments, and bad as well: the first bad line is the one to name. */
  private lineFailed(error: SqlError): void {
    if (this.badLine !== undefined) {
      if (lineOf(error) < lineOf(this.badLine)) this.badLine = error;
      return;
    }
    this.badLine = error;
    this.endLanes();
    void Promise.all(this.lanes.map((l) => l.finished)).then(() => this.fail(this.badLine));
  }

  private async freeLane(): Promise<Lane> {
    for (;;) {
      if (this.failure !== undefined) throw this.failure.error;
      if (this.badLine === undefined)
        for (let i = 0; i < this.lanes.length; i++) {
          this.turn = (this.turn + 1) % this.lanes.length;
          const lane = this.lanes[this.turn]!;
          if (lane.credit > 0) return lane;
        }
      await new Promise<void>((resolve) => this.wake.push(resolve));
    }
  }

  private endLanes(): void {
    if (this.ended) return;
    this.ended = true;
    for (const lane of this.lanes) {
      lane.call.write({ end: true });
      lane.call.end();
    }
  }

  private fail(error: unknown): void {
    if (this.failure !== undefined) return;
    this.failure = { error };
    this.query.fail(error);
    for (const lane of this.lanes) lane.call.cancel();
    this.wakeUp();
  }

  private wakeUp(): void {
    for (const w of this.wake.splice(0)) w();
  }
}

/** Of an error's CONTEXT; infinite when it names no line. */
function lineOf(e: SqlError): number {
  const m = /^COPY .*, line (\d+)/s.exec(e.where ?? '');
  return m === null ? Number.POSITIVE_INFINITY : Number(m[1]);
}

/** The CopyIn call: blocks of text, parsed on threads, into the source of the COPY's slice.
 *
 *  Owns: how many blocks are here at once (the credit it gives), and their order: the first block that fails in line order gives
 *  the error. Blocks of a file that this process can open are read here, and never travel. */
import type { FileHandle } from 'node:fs/promises';
import type { ServerDuplexStream } from '@grpc/grpc-js';
import type { EvalSettings } from '../engine/api.js';
import type { CopyInOpen } from '../exchange/control-messages.js';
import { pack, unpack } from '../exchange/grpc/codec.js';
import type { CopyBlock, CopyReply } from '../exchange/grpc/services.js';
import { openSame } from '../exchange/process/shared-file.js';
import type { Expr } from '../plan/expr.js';
import type { Batch } from '../types/memory.js';
import { errorToWire, SqlError } from '../types/sql-error.js';
import type { CopySource } from './copy-source.js';
import type { Executor } from './executor.js';
import type { BlockText, ParsePool } from './parse-pool.js';

type Call = ServerDuplexStream<CopyBlock, CopyReply>;

const NO_ERROR = Buffer.alloc(0);

export function copyIn(call: Call, executor: Executor, parser: ParsePool): void {
  const intake = new CopyIntake(call, executor, parser);
  call.on('data', (block: CopyBlock) => intake.take(block));
  call.on('end', () => intake.endOfCall());
  call.on('cancelled', () => intake.hangUp());
  call.on('error', () => intake.hangUp());
}

class CopyIntake {
  private readonly call: Call;
  private readonly executor: Executor;
  private readonly parser: ParsePool;
  private readonly hungUp = new AbortController();
  private readonly broken = new SqlError('08006', 'the COPY stream of the master broke');
  private open: CopyInOpen<EvalSettings> | undefined;
  private source: CopySource | undefined;
  private file: FileHandle | undefined;
  /** Blocks that are parsed or wait for their turn. */
  private readonly blocks = new Set<Promise<Batch>>();
  /** The delivery of all blocks so far, in order. */
  private delivered: Promise<void> = Promise.resolve();
  private rows = 0;
  private ended = false;
  private over = false;

  constructor(call: Call, executor: Executor, parser: ParsePool) {
    this.call = call;
    this.executor = executor;
    this.parser = parser;
  }

  take(block: CopyBlock): void {
    if (this.over) return;
    try {
      this.handle(block);
    } catch (e) {
      this.fail(e);
    }
  }

  private handle(block: CopyBlock): void {
    if ('open' in block) {
      if (this.open !== undefined) throw new SqlError('08P01', 'a COPY stream was opened twice');
      this.begin(unpack<CopyInOpen<EvalSettings>>(block.open)).catch((e) => this.fail(e));
    } else if (this.open === undefined) throw new SqlError('08P01', 'a COPY stream was not opened');
    else if ('text' in block) {
      const { data, first_line } = block.text;
      this.parse(this.open, { lines: data }, Number(first_line));
    } else if ('range' in block) {
      const { offset, bytes, first_line } = block.range;
      if (this.file === undefined) throw new SqlError('08P01', 'the file of a COPY is not open here');
      this.parse(this.open, { fd: this.file.fd, offset: Number(offset), bytes }, Number(first_line));
    } else {
      this.ended = true;
      void this.delivered.then(
        () => this.finish(),
        () => undefined,
      );
    }
  }

  /** No more blocks. */
  endOfCall(): void {
    if (!this.ended) this.hangUp();
  }

  /** The master is gone, or has given up. */
  hangUp(): void {
    this.hungUp.abort(this.broken);
    this.fail(this.broken);
  }

  private async begin(open: CopyInOpen<EvalSettings>): Promise<void> {
    this.open = open;
    const begun = (async () => {
      if (open.file !== undefined) this.file = await openSame(open.file);
      this.hungUp.signal.throwIfAborted();
      this.source = await this.executor.copySource(open.queryId, this.hungUp.signal);
    })();
    // An empty COPY ends at once.
    this.delivered = begun;
    try {
      await begun;
    } finally {
      if (this.over) await this.close();
    }
    // Each thread parses one block, and finds the next one there.
    const credit = this.parser.threads + 2;
    this.reply({ ready: { reads_file: this.file !== undefined, credit } });
  }

  private parse(open: CopyInOpen<EvalSettings>, text: BlockText, firstLine: number): void {
    const { columns, options, table, settings } = open;
    const where = open.where as Expr | undefined;
    const context = { table, settings };
    const block = this.parser.parse({ text, firstLine, options, columns, where, context });
    block.catch(() => undefined);
    this.blocks.add(block);
    this.delivered = this.deliver(block, this.delivered);
    this.delivered.catch((e) => this.fail(e));
  }

  private async deliver(block: Promise<Batch>, earlier: Promise<void>): Promise<void> {
    await earlier;
    const batch = await block;
    // Otherwise `close` has it.
    if (!this.blocks.delete(block)) return;
    this.rows += batch.rows;
    await this.source!.offer(batch);
    this.reply({ credit: 1 });
  }

  private reply(message: CopyReply): void {
    if (!this.over) this.call.write(message);
  }

  private finish(): void {
    if (this.over) return;
    this.over = true;
    this.source!.end();
    this.call.write({ result: { rows: String(this.rows), error: NO_ERROR } });
    this.call.end();
    void this.close();
  }

  /** A bad line: the master ends the query when it has heard from all segments which bad line is the first. */
  private fail(error: unknown): void {
    if (this.over) return;
    this.over = true;
    if (error === this.broken) this.source?.fail(error);
    else {
      this.call.write({ result: { rows: '0', error: pack(errorToWire(error)) } });
      this.call.end();
    }
    void this.close();
  }

  /** The file stays open while threads read it: its number would soon be another file's. */
  private async close(): Promise<void> {
    const rest = [...this.blocks];
    this.blocks.clear();
    for (const block of rest) await block.then((batch) => batch.release()).catch(() => undefined);
    const { file } = this;
    this.file = undefined;
    await file?.close();
  }
}

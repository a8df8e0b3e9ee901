/** The master's record of decisions: which loads have committed, at which commit sequence number.
 *
 *  Owns: the allocation of gxids and csns, and the file OUTCOMES. Invariants: a gxid is given out once, over all restarts;
 *  `commit` resolves only when the decision is on disk, and from then on it stands; a decision is forgotten only when all
 *  its participants have acknowledged it. The file is lines of JSON, each with a checksum: a torn last line is
 *  a decision that was never taken (presumed abort), a bad line elsewhere is corruption.
 *  Source: Mohan, Lindsay, Obermarck, "Transaction management in the R* distributed DBMS", TODS 1986. */
import { type FileHandle, open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { replaceFile } from '../../exchange/process/durable-file.js';
import { hashText } from '../../types/hash.js';
import type { Csn, Gxid, SegmentId } from '../../types/ids.js';
import { SqlError } from '../../types/sql-error.js';

type Entry =
  /** What remains of everything before: gxids below have been given out, csns up to `csn` are taken. */
  | { readonly kind: 'base'; readonly gxid: string; readonly csn: string }
  | { readonly kind: 'gxids'; readonly below: string }
  | { readonly kind: 'commit'; readonly gxid: string; readonly csn: string; readonly segments: SegmentId[] }
  | { readonly kind: 'done'; readonly gxid: string };

type Decision = { readonly csn: Csn; readonly waiting: Set<SegmentId> };

const GXIDS_RESERVED = 1000n;
const COMPACT_BYTES = 256 * 1024;

export class OutcomeLog {
  private readonly path: string;
  private file!: FileHandle;
  private bytes = 0;
  private nextGxid_ = 1n;
  private reservedBelow = 1n;
  private reserving: Promise<void> | undefined;
  private lastCsn_ = 0n;
  private readonly decisions = new Map<Gxid, Decision>();
  /** Lines that wait for the write under way; all of them go with the next one. */
  private waiting: { entry: Entry; done: (e?: unknown) => void }[] = [];
  private writing: Promise<void> | undefined;

  private constructor(path: string) {
    this.path = path;
  }

  static async open(directory: string): Promise<OutcomeLog> {
    const log = new OutcomeLog(join(directory, 'OUTCOMES'));
    await log.replay();
    await log.compact();
    return log;
  }

  /** The highest csn ever given. */
  get lastCsn(): Csn {
    return this.lastCsn_ as Csn;
  }

  async newGxid(): Promise<Gxid> {
    while (this.nextGxid_ >= this.reservedBelow) {
      this.reserving ??= this.reserve();
      await this.reserving;
    }
    return this.nextGxid_++ as Gxid;
  }

  /** Takes the decision. Rejects when it could not be written; then it has not been taken. */
  async commit(gxid: Gxid, segments: readonly SegmentId[]): Promise<Csn> {
    const csn = ++this.lastCsn_ as Csn;
    await this.append({ kind: 'commit', gxid: String(gxid), csn: String(csn), segments: [...segments] });
    return csn;
  }

  acknowledged(gxid: Gxid, segment: SegmentId): void {
    const d = this.decisions.get(gxid);
    if (d === undefined) return;
    d.waiting.delete(segment);
    if (d.waiting.size > 0) return;
    // Losing this line costs nothing: the decision is then told again, to nobody.
    this.append({ kind: 'done', gxid: String(gxid) }).catch(() => undefined);
  }

  outcome(gxid: Gxid): Csn | undefined {
    return this.decisions.get(gxid)?.csn;
  }

  /** Decisions that `segment` has not acknowledged. */
  owedTo(segment: SegmentId): { readonly gxid: Gxid; readonly csn: Csn }[] {
    return [...this.decisions]
      .filter(([, d]) => d.waiting.has(segment))
      .map(([gxid, d]) => ({ gxid, csn: d.csn }));
  }

  async close(): Promise<void> {
    await this.writing;
    await this.file.close();
  }

  private async reserve(): Promise<void> {
    const below = this.reservedBelow + GXIDS_RESERVED;
    try {
      await this.append({ kind: 'gxids', below: String(below) });
    } finally {
      this.reserving = undefined;
    }
  }

  private append(entry: Entry): Promise<void> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ entry, done: (e) => (e === undefined ? resolve() : reject(e)) });
      this.writing ??= this.write();
    });
  }

  private async write(): Promise<void> {
    while (this.waiting.length > 0) {
      const group = this.waiting.splice(0);
      try {
        const bytes = Buffer.from(group.map((g) => encode(g.entry)).join(''));
        await this.file.write(bytes, 0, bytes.length, this.bytes);
        await this.file.datasync();
        this.bytes += bytes.length;
        for (const g of group) {
          this.apply(g.entry);
          g.done();
        }
        if (this.bytes > COMPACT_BYTES && this.waiting.length === 0) await this.compact();
      } catch (e) {
        await this.takeBack();
        const reason = e instanceof Error ? e.message : String(e);
        for (const g of group)
          g.done(new SqlError('58030', `could not write the outcome log ${this.path}: ${reason}`));
      }
    }
    this.writing = undefined;
  }

  /** A decision that was reported as not taken must not be found after a restart. */
  private async takeBack(): Promise<void> {
    try {
      await this.file.truncate(this.bytes);
      await this.file.sync();
    } catch (e) {
      console.error(`the outcome log ${this.path} is in doubt and cannot be repaired: ${String(e)}`);
      process.exit(1);
    }
  }

  private async replay(): Promise<void> {
    let text = '';
    try {
      text = await readFile(this.path, 'utf8');
    } catch (e) {
      if ((e as NodeJS.ErrnoException).code !== 'ENOENT') throw e;
    }
    const lines = text.split('\n');
    for (const [i, line] of lines.entries()) {
      if (line === '' && i === lines.length - 1) break;
      const entry = decode(line);
      if (entry !== undefined) this.apply(entry);
      else if (i < lines.length - 2 || (i === lines.length - 2 && lines[lines.length - 1] !== ''))
        throw new SqlError('XX001', `line ${i + 1} of ${this.path} is damaged`);
    }
    this.nextGxid_ = this.reservedBelow;
  }

  private apply(e: Entry): void {
    const csn = (c: string): void => {
      if (BigInt(c) > this.lastCsn_) this.lastCsn_ = BigInt(c);
    };
    switch (e.kind) {
      case 'base':
        this.reservedBelow = BigInt(e.gxid);
        csn(e.csn);
        break;
      case 'gxids':
        this.reservedBelow = BigInt(e.below);
        break;
      case 'commit':
        csn(e.csn);
        this.decisions.set(BigInt(e.gxid) as Gxid, {
          csn: BigInt(e.csn) as Csn,
          waiting: new Set(e.segments),
        });
        break;
      case 'done':
        this.decisions.delete(BigInt(e.gxid) as Gxid);
    }
  }

  private async compact(): Promise<void> {
    const entries: Entry[] = [
      { kind: 'base', gxid: String(this.reservedBelow), csn: String(this.lastCsn_) },
      ...[...this.decisions].map(
        ([gxid, d]): Entry => ({
          kind: 'commit',
          gxid: String(gxid),
          csn: String(d.csn),
          segments: [...d.waiting],
        }),
      ),
    ];
    const content = entries.map(encode).join('');
    await replaceFile(this.path, content);
    await this.file?.close();
    this.file = await open(this.path, 'r+');
    this.bytes = Buffer.byteLength(content);
  }
}

function encode(e: Entry): string {
  const json = JSON.stringify(e);
  return `${checksum(json)} ${json}\n`;
}

function decode(line: string): Entry | undefined {
  const json = line.slice(9);
  return line[8] === ' ' && checksum(json) === line.slice(0, 8) ? (JSON.parse(json) as Entry) : undefined;
}

function checksum(text: string): string {
  return (hashText(text) >>> 0).toString(16).padStart(8, '0');
}

/** The wire fuzzer: hostile and broken clients against a server, beside one that is neither.
 *
 *  Owns: running cases and judging the server by what must always hold: whatever clients send, the sane session answers,
 *  a session whose bytes were all right answers in the end, every answer is well framed, and no answer is XX000. Case i of seed S
 *  is seed S + i alone: a case that fails is replayed by its own seed. */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  errorFields,
  frame,
  int32,
  type Message,
  RawClient,
  rows,
} from '../../src/master/testing/raw-client.js';
import { seededRandom } from '../support/random.js';
import { type Script, script } from './wire-case.js';

const ANSWER_MS = 20_000;
const BACKEND_TYPES = 'RSKZTDCEN123IntGHdcVsAv';

export class WireFuzzer {
  private readonly port: number;
  private readonly superuser: string;
  private sane: RawClient | undefined;

  /** `superuser` is trusted, and so is whoever else connects from this host. */
  constructor(port: number, superuser: string) {
    this.port = port;
    this.superuser = superuser;
  }

  async prepare(): Promise<void> {
    ({ client: this.sane } = await RawClient.start(this.port, { user: this.superuser, database: 'mpp' }));
    await this.sane.query('create role fuzz login superuser');
    await this.sane.query('create table fuzz (a int, b text, c numeric(9,2)) distributed by (a)');
    await this.sane.query("insert into fuzz select x, 'row ' || x, x from generate_series(1, 200) as t(x)");
  }

  close(): void {
    this.sane?.end();
  }

  /** Undefined, or what is wrong. */
  async run(seed: number): Promise<string | undefined> {
    const r = seededRandom(seed);
    const scripts = Array.from({ length: 1 + r.int(3) }, () => script(r));
    const faults = await Promise.all(scripts.map((s) => this.play(s)));
    return faults.find((f) => f !== undefined) ?? (await this.sanity());
  }

  private async sanity(): Promise<string | undefined> {
    const m = await within(this.sane!.query("select 'sane'"));
    if (m === undefined) return 'another session gets no answer';
    return rows(m)[0]?.[0] === 'sane'
      ? undefined
      : `another session is answered ${JSON.stringify(errorFields(m))}`;
  }

  private async play(s: Script): Promise<string | undefined> {
    const client = await RawClient.open(this.port);
    const got: Message[] = [];
    try {
      for (const piece of s.pieces) {
        if (client.closed) break;
        client.raw(piece);
        if (s.pieces.length < 20) await sleep(0);
      }
      if (s.cancels) await this.cancel(client, got);
      if (s.abrupt) return undefined;
      if (s.intact) {
        // Whatever it was in the middle of (a COPY, a failed block, a pipeline), this ends it.
        client.raw(Buffer.concat([frame('c'), frame('S'), frame('Q', "rollback; select 'still here'")]));
        const answered = await within(heard(client, got, 'still here'));
        if (answered === undefined) return `no answer after ${shown(got)}`;
      } else await Promise.race([heard(client, got, 'still here'), sleep(30)]);
      return judge(got);
    } finally {
      client.end();
    }
  }

  private async cancel(client: RawClient, got: Message[]): Promise<void> {
    await Promise.race([heard(client, got, undefined), sleep(20)]);
    const key = got.find((m) => m.type === 'K')?.body;
    if (key === undefined) return;
    const canceller = await RawClient.open(this.port);
    canceller.raw(Buffer.concat([int32(16), int32(80877102), key]));
    await within(canceller.waitClosed());
    canceller.end();
  }
}

/** Gathers messages until a row says `text`, or the connection ends. */
async function heard(client: RawClient, got: Message[], text: string | undefined): Promise<true> {
  for (;;) {
    const m = await client.until('Z');
    got.push(...m);
    if (client.closed || text === undefined || rows(m).some((row) => row[0] === text)) return true;
  }
}

async function within<T>(answer: Promise<T>): Promise<T | undefined> {
  const late = new AbortController();
  try {
    return await Promise.race([answer, sleep(ANSWER_MS, undefined, { signal: late.signal })]);
  } finally {
    late.abort();
  }
}

function judge(got: readonly Message[]): string | undefined {
  const strange = got.find((m) => !BACKEND_TYPES.includes(m.type));
  if (strange !== undefined) return `an answer of no type that there is: ${JSON.stringify(strange.type)}`;
  for (const m of got) {
    const { C, M } = errorFields([m]);
    if (C === 'XX000') return `XX000: ${M}`;
  }
  return undefined;
}

function shown(got: readonly Message[]): string {
  return got
    .slice(-12)
    .map((m) => (m.type === 'E' ? `E(${errorFields([m]).C})` : m.type))
    .join(' ');
}

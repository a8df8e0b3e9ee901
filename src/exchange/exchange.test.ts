import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { buildChunk, readBatch } from '../types/chunk-fake.js';
import type { MotionId, QueryId, SegmentId } from '../types/ids.js';
import type { Batch, BatchSource } from '../types/memory.js';
import { FakePool } from '../types/memory-fake.js';
import { SqlError } from '../types/sql-error.js';
import { INT4, TEXT } from '../types/sql-type.js';
import { Peers } from './grpc/peer.js';
import { isUnauthenticated, RpcServer } from './grpc/server.js';
import { LinkService } from './grpc/services.js';
import { CREDIT_MESSAGES } from './inbound-stream.js';
import type { FrameBody } from './link/frame.js';
import { FRAME_BYTES_MAX } from './link/link.js';
import { Links } from './link/links.js';
import { MotionBroken } from './motion-error.js';
import { MotionService } from './motion-service.js';
import { ALL_RECEIVERS, MotionSink } from './motion-sink.js';

const COLUMNS = [
  { type: INT4, nullable: true },
  { type: TEXT, nullable: true },
];
const M1 = 1 as MotionId;
const Q = (n: number) => `q-${n}` as QueryId;
const S = (n: number) => n as SegmentId;

class Node {
  readonly pool = new FakePool(16 << 20);
  readonly server = new RpcServer('secret');
  readonly peers: Peers;
  readonly links: Links;
  readonly service: MotionService;
  address = '';

  constructor(id: number, heldMs = 30_000, token = 'secret') {
    this.peers = new Peers(token);
    this.links = new Links(this.peers);
    this.service = new MotionService({ self: S(id), memory: this.pool, links: this.links, heldMs });
    this.links.addTo(this.server);
  }

  async start(): Promise<this> {
    this.address = `127.0.0.1:${await this.server.listen('127.0.0.1:0')}`;
    this.links.address = this.address;
    return this;
  }

  sink(
    q: QueryId,
    to: readonly Node[],
    mode: 'hash' | 'broadcast' | 'gather' = 'hash',
    broken?: (e: unknown) => void,
  ) {
    return new MotionSink(this.service, {
      queryId: q,
      motion: M1,
      from: this.service.self,
      mode,
      columns: COLUMNS,
      receivers: to.map((n) => ({ segment: n.service.self, address: n.address })),
      onBroken: broken ?? (() => undefined),
    });
  }

  receive(q: QueryId, senders: readonly Node[]) {
    return this.service.register({
      queryId: q,
      motion: M1,
      columns: COLUMNS,
      senders: senders.map((n) => n.service.self),
    });
  }

  chunk(rows: readonly (readonly [number | null, string | null])[], partition = 0) {
    return buildChunk(this.pool, ['i32', 'utf8'], rows, partition);
  }

  close(): void {
    this.service.close();
    this.links.close();
    this.peers.close();
    this.server.close();
  }
}

let nodes: Node[] = [];
async function node(id: number, heldMs?: number, token?: string): Promise<Node> {
  const n = await new Node(id, heldMs, token).start();
  nodes.push(n);
  return n;
}
beforeEach(() => {
  nodes = [];
});
afterEach(() => {
  for (const n of nodes) n.close();
});

async function take(source: BatchSource): Promise<Batch | 'end'> {
  for (;;) {
    const b = source.next();
    if (b !== 'wait') return b;
    await new Promise<void>((resolve) => source.onReady(resolve));
  }
}

async function drain(pool: FakePool, source: BatchSource): Promise<unknown[][]> {
  const rows: unknown[][] = [];
  for (;;) {
    const b = await take(source);
    if (b === 'end') return rows;
    rows.push(...readBatch(pool, b.address));
    b.release();
  }
}

test('rows reach remote and local receivers in order, NULLs included, and no memory stays', async () => {
  const [a, b] = [await node(0), await node(1)];
  const both = [a, b];
  const inA = a.receive(Q(1), both);
  const inB = b.receive(Q(1), both);
  const work = both.map(async (from) => {
    const sink = from.sink(Q(1), both);
    for (let i = 0; i < 40; i++)
      sink.push(
        from.chunk(
          [
            [i, `${from.service.self}:${i}`],
            [null, null],
          ],
          i % 2,
        ),
      );
    await sink.finish();
    expect(sink.rows).toBe(80);
    expect(sink.bytes).toBeGreaterThan(1000);
  });
  const rows = await Promise.all([
    ...inA.streams.map((s) => drain(a.pool, s)),
    ...inB.streams.map((s) => drain(b.pool, s)),
  ]);
  await Promise.all(work);
  rows.forEach((r, i) => {
    const parity = i < 2 ? 0 : 1;
    expect(r.filter((x) => x[0] !== null).map((x) => x[0])).toEqual(
      Array.from({ length: 20 }, (_, k) => k * 2 + parity),
    );
    expect(r.length).toBe(40);
  });
  for (const n of both) {
    n.service.endQuery(Q(1));
    expect(n.pool.usedBytes).toBe(0);
  }
});

test('a sender never has more messages outstanding than its credit', async () => {
  const [a, b] = [await node(0), await node(1)];
  const receiver = b.receive(Q(1), [a]);
  const stream = receiver.streams[0]!;
  const sink = a.sink(Q(1), [b], 'gather');
  let most = 0;
  for (let i = 0; i < 100; i++) sink.push(a.chunk([[i, 'x']]));
  const finished = sink.finish();
  let taken = 0;
  for (;;) {
    await new Promise((r) => setTimeout(r, 2));
    most = Math.max(most, stream.pending);
    const batch = await take(stream);
    if (batch === 'end') break;
    batch.release();
    taken++;
  }
  await finished;
  expect(taken).toBe(100);
  expect(most).toBeLessThanOrEqual(CREDIT_MESSAGES);
});

test('without credit the sink is not ready; it says when it is', async () => {
  const [a, b] = [await node(0), await node(1)];
  const receiver = b.receive(Q(1), [a]);
  const sink = a.sink(Q(1), [b], 'gather');
  const woken = vi.fn();
  sink.onReady(woken);
  expect(sink.ready()).toBe(true);
  for (let i = 0; i < CREDIT_MESSAGES; i++) sink.push(a.chunk([[i, 'x']]));
  expect(sink.ready()).toBe(false);
  woken.mockClear();
  const batch = await take(receiver.unordered());
  (batch as Batch).release();
  await vi.waitFor(() => expect(woken).toHaveBeenCalled());
  expect(sink.ready()).toBe(true);
  sink.abort(new Error('over'));
});

test('a sender in the same process that is aborted while its last rows wait for credit ends', async () => {
  const a = await node(0);
  const inA = a.receive(Q(1), [a]).unordered();
  const sink = a.sink(Q(1), [a], 'gather');
  for (let i = 0; i < CREDIT_MESSAGES + 2; i++) sink.push(a.chunk([[i, 'x']]));
  const finished = sink.finish();
  sink.abort(new SqlError('57014', 'enough'));
  await expect(finished).rejects.toMatchObject({ code: '57014' });
  await expect(drain(a.pool, inA)).rejects.toMatchObject({ code: '57014' });
  a.service.endQuery(Q(1));
  expect(a.pool.usedBytes).toBe(0);
});

test('a row that no message can hold fails its query, not the link', async () => {
  const [a, b] = [await node(0), await node(1)];
  const pool = new FakePool(FRAME_BYTES_MAX + (1 << 20));
  const broken = vi.fn();
  const sink = new MotionSink({ memory: pool, self: S(0), links: a.links } as unknown as MotionService, {
    queryId: Q(1),
    motion: M1,
    from: S(0),
    mode: 'gather',
    columns: COLUMNS,
    receivers: [{ segment: S(1), address: b.address }],
    onBroken: broken,
  });
  sink.push(buildChunk(pool, ['i32', 'utf8'], [[1, 'x'.repeat(FRAME_BYTES_MAX)]]));
  expect(broken.mock.calls).toMatchObject([[{ code: '54000' }]]);
  expect(pool.usedBytes).toBe(0);
  sink.abort(broken.mock.calls[0]![0]);
  expect(a.links.to(b.address).alive).toBe(true);
});

test('a broadcast is encoded once and reaches everyone', async () => {
  const all = [await node(0), await node(1), await node(2)];
  const receivers = all.map((n) => n.receive(Q(1), [all[0]!]));
  const sink = all[0]!.sink(Q(1), all, 'broadcast');
  sink.push(
    all[0]!.chunk(
      [
        [1, 'a'],
        [2, null],
      ],
      ALL_RECEIVERS,
    ),
  );
  const done = sink.finish();
  for (const [i, r] of receivers.entries())
    expect(await drain(all[i]!.pool, r.unordered())).toEqual([
      [1, 'a'],
      [2, null],
    ]);
  await done;
  expect(sink.rows).toBe(6);
});

test('a receiver that closes stops its senders, which end cleanly', async () => {
  const [a, b] = [await node(0), await node(1)];
  const both = [a, b];
  const inA = a.receive(Q(1), both).unordered();
  const inB = b.receive(Q(1), both).unordered();
  const sink = a.sink(Q(1), both);
  const other = b.sink(Q(1), both);
  inA.close();
  inB.close();
  await vi.waitFor(() => expect(sink.done && other.done).toBe(true));
  sink.push(a.chunk([[1, 'late']], 1));
  sink.push(a.chunk([[1, 'late']], 0));
  await Promise.all([sink.finish(), other.finish()]);
  expect(a.pool.usedBytes).toBe(0);
});

test('a stream that comes before its receiver is held; one for an ended query is told to stop', async () => {
  const [a, b] = [await node(0), await node(1)];
  const sink = a.sink(Q(1), [b], 'gather');
  const empty = a.sink(Q(2), [b], 'gather');
  sink.push(a.chunk([[7, 'early']]));
  const finished = Promise.all([sink.finish(), empty.finish()]);
  await new Promise((r) => setTimeout(r, 50));
  expect(await drain(b.pool, b.receive(Q(1), [a]).unordered())).toEqual([[7, 'early']]);
  expect(await drain(b.pool, b.receive(Q(2), [a]).unordered())).toEqual([]);
  await finished;
  b.service.endQuery(Q(3));
  const late = a.sink(Q(3), [b], 'gather');
  await vi.waitFor(() => expect(late.done).toBe(true));
  await late.finish();
});

test('a stream whose receiver never comes is refused after a while, even if it was sent whole', async () => {
  const [a, b] = [await node(0), await node(1, 100)];
  const broken = vi.fn();
  const sink = a.sink(Q(1), [b], 'gather', broken);
  await sink.finish();
  expect(broken).not.toHaveBeenCalled();
  await sink.delivered();
  expect(broken).toHaveBeenCalledOnce();
  expect(broken.mock.calls[0]![0]).toBeInstanceOf(MotionBroken);
});

test("a sender's error reaches the receiver as it was", async () => {
  const [a, b] = [await node(0), await node(1)];
  const inB = b.receive(Q(1), [a, b]).unordered();
  a.sink(Q(1), [b], 'gather').abort(new SqlError('22012', 'division by zero', { hint: 'h' }));
  await expect(drain(b.pool, inB)).rejects.toMatchObject({ code: '22012', hint: 'h' });
  const again = b.receive(Q(2), [b]).unordered();
  b.sink(Q(2), [b], 'gather').abort(new SqlError('22012', 'division by zero'));
  await expect(drain(b.pool, again)).rejects.toMatchObject({ code: '22012' });
});

test('a peer that vanishes breaks the stream on both sides, naming the segment', async () => {
  const [a, b] = [await node(0), await node(1)];
  const inB = b.receive(Q(1), [a]).unordered();
  const lost = vi.fn();
  const sink = a.sink(Q(1), [b], 'gather', lost);
  sink.push(a.chunk([[1, 'x']]));
  const first = await take(inB);
  (first as Batch).release();
  a.links.close();
  a.peers.close();
  a.server.close();
  expect(lost.mock.calls).toMatchObject([[{ code: '08006', segment: 1 }]]);
  await expect(sink.finish()).rejects.toMatchObject({ code: '08006', segment: 1 });
  await expect(take(inB)).rejects.toMatchObject({ code: '08006', segment: 0 });
  const broken = vi.fn();
  const toGone = b.sink(Q(4), [a], 'gather', broken);
  await toGone.finish();
  await toGone.delivered();
  expect(broken.mock.calls).toMatchObject([[{ code: '08006', segment: 0 }]]);
});

test('what was sent and not yet received when the link breaks is told to the sender after all', async () => {
  const [a, b] = [await node(0), await node(1)];
  const broken = vi.fn();
  const sink = a.sink(Q(1), [b], 'gather', broken);
  sink.push(a.chunk([[1, 'x']]));
  await sink.finish();
  // Held at b, whole, without a receiver yet: only its acknowledgement would make it safe.
  await vi.waitFor(() => expect(b.service.heldStreams).toBe(1), 10_000);
  b.server.close();
  await sink.delivered();
  expect(broken).toHaveBeenCalledOnce();
  expect(await drain(b.pool, b.receive(Q(1), [a]).unordered())).toEqual([[1, 'x']]);
});

test('two processes share one link in both directions, whoever dials', async () => {
  const [a, b] = [await node(0), await node(1)];
  const link = a.links.to(b.address);
  expect(a.links.to(b.address)).toBe(link);
  await vi.waitFor(() => expect(link.peerAddress).toBe(b.address));
  const back = b.links.to(a.address);
  const inA = a.receive(Q(1), [b]).unordered();
  const sink = b.sink(Q(1), [a], 'gather');
  sink.push(b.chunk([[5, 'back']]));
  await sink.finish();
  expect(await drain(a.pool, inA)).toEqual([[5, 'back']]);
  expect(b.links.to(a.address)).toBe(back);
  // Nobody but a has dialled.
  a.links.close();
  await vi.waitFor(() => expect(back.alive).toBe(false));
});

/** A stream to `b` whose frames a test writes itself; resolves to what comes back. */
function rawStream(a: Node, b: Node, to = 1): { write(body: FrameBody): void; heard: FrameBody[] } {
  const heard: FrameBody[] = [];
  const stream = a.links.to(b.address).open({
    frame: (body) => heard.push(body),
    lost: () => heard.push({ kind: 'cancel' }),
  });
  stream.write({ kind: 'open', open: { queryId: Q(1), motion: 1, from: 0, to } });
  return { write: (body) => stream.write(body), heard };
}

test('a wrong row count is an error', async () => {
  const [a, b] = [await node(0), await node(1)];
  const inB = b.receive(Q(1), [a]).unordered();
  rawStream(a, b).write({ kind: 'end', rows: 3 });
  await expect(drain(b.pool, inB)).rejects.toMatchObject({ code: 'XX001' });
});

test('a sender without credit, a stranger and a wrong address are refused; the link lives', async () => {
  const [a, b] = [await node(0), await node(1)];
  const greedy = rawStream(a, b);
  for (let i = 0; i <= CREDIT_MESSAGES + 1; i++) greedy.write({ kind: 'batch', batch: new Uint8Array(8) });
  const misled = rawStream(a, b, 7);
  await vi.waitFor(() => {
    expect(greedy.heard.map((f) => f.kind)).toEqual(['failed']);
    expect(misled.heard.map((f) => f.kind)).toEqual(['failed']);
  });
  const inB = b.receive(Q(2), [b]).unordered();
  const uninvited = a.sink(Q(2), [b], 'gather');
  await uninvited.delivered();
  inB.close();
  expect(a.links.to(b.address).alive).toBe(true);
});

test('bytes that are no message end the link, and only the link', async () => {
  const [a, b] = [await node(0), await node(1)];
  const call = a.peers.at(b.address).duplex(LinkService.Link);
  const ended = new Promise((resolve) => {
    call.on('data', () => undefined);
    call.on('error', resolve);
    call.on('end', () => resolve(undefined));
  });
  call.write(Buffer.from('nonsense'));
  await ended;
  const inB = b.receive(Q(1), [a]).unordered();
  const sink = a.sink(Q(1), [b], 'gather');
  sink.push(a.chunk([[1, 'fine']]));
  await sink.finish();
  expect(await drain(b.pool, inB)).toEqual([[1, 'fine']]);
});

test('a wrong token is refused', async () => {
  const [a, b] = [await node(0, 30_000, 'wrong'), await node(1)];
  const call = a.peers.at(b.address).duplex(LinkService.Link);
  const error = await new Promise((resolve) => {
    call.on('data', () => undefined);
    call.on('error', resolve);
  });
  expect(isUnauthenticated(error)).toBe(true);
});

test('what receivers can match reaches the sender, whoever comes first, once all have said so or want no more', async () => {
  const [a, b, c] = [await node(0), await node(1), await node(2)];
  const filter = (min: number, max: number, bits: number): Uint8Array => {
    const bytes = new Uint8Array(24);
    const view = new DataView(bytes.buffer);
    view.setBigInt64(0, BigInt(min), true);
    view.setBigInt64(8, BigInt(max), true);
    bytes[16] = bits;
    return bytes;
  };
  const inA = a.receive(Q(1), [a]).unordered();
  const inB = b.receive(Q(1), [a]).unordered();
  inB.tellSenders!(7, filter(-4, 2, 0b1001));
  const sink = a.sink(Q(1), [a, b, c]);
  const changed = () => new Promise<void>((resolve) => sink.onReady(resolve));
  inA.tellSenders!(7, filter(1, 9, 0b0110));
  inA.tellSenders!(8, filter(0, 0, 1));
  await changed();
  expect(sink.filter(7)).toBeUndefined();
  const inC = c.receive(Q(1), [a]).unordered();
  inC.close();
  while (sink.filter(7) === undefined) await changed();
  expect(sink.filter(7)).toEqual(filter(-4, 9, 0b1111));
  expect(sink.filter(8)).toBeUndefined();
  inA.close();
  inB.close();
  await sink.finish();
});

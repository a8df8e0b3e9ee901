/** The CopyIn call without a network: order, credit, and what becomes of blocks when it fails. */
import { EventEmitter } from 'node:events';
import { expect, test } from 'vitest';
import { pack, unpack } from '../exchange/grpc/codec.js';
import type { CopyBlock, CopyReply } from '../exchange/grpc/services.js';
import type { Batch } from '../types/memory.js';
import { SqlError, type WireError } from '../types/sql-error.js';
import { copyIn } from './copy-in.js';
import { CopySource } from './copy-source.js';

type Parsing = { readonly line: number; resolve(rows: number): void; reject(e: unknown): void };

/** A call, and threads that parse when they are told to. */
function harness() {
  const call = Object.assign(new EventEmitter(), {
    replies: [] as CopyReply[],
    ended: false,
    write(reply: CopyReply) {
      call.replies.push(reply);
    },
    end() {
      call.ended = true;
    },
  });
  const parsing: Parsing[] = [];
  const batches = { made: 0, released: 0 };
  const parser = {
    threads: 1,
    parse: ({ firstLine }: { firstLine: number }) =>
      new Promise<Batch>((resolve, reject) => {
        parsing.push({
          line: firstLine,
          reject,
          resolve(rows) {
            batches.made++;
            resolve({ address: firstLine, rows, layout: [], release: () => batches.released++ });
          },
        });
      }),
  };
  const source = new CopySource([]);
  copyIn(call as never, { copySource: () => Promise.resolve(source) } as never, parser as never);
  const send = (block: CopyBlock): boolean => call.emit('data', block);
  return {
    call,
    parsing,
    batches,
    source,
    open: () => send({ open: pack({ queryId: 'q', table: 't', columns: [], options: {}, settings: {} }) }),
    text: (line: number) => send({ text: { data: Buffer.from('x\n'), first_line: String(line) } }),
    send,
    end: () => {
      send({ end: true });
      call.emit('end');
    },
    error: (): WireError | undefined => {
      const last = call.replies.at(-1)!;
      return 'result' in last && last.result.error.length > 0
        ? unpack<WireError>(last.result.error)
        : undefined;
    },
  };
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

test('blocks reach the source in their order, each for one credit', async () => {
  const h = harness();
  h.open();
  await turn();
  expect(h.call.replies).toEqual([{ ready: { reads_file: false, credit: 3 } }]);
  for (const line of [1, 2, 3]) h.text(line);
  h.parsing[2]!.resolve(3);
  h.parsing[1]!.resolve(2);
  await turn();
  expect(h.source.next()).toBe('wait');
  h.parsing[0]!.resolve(1);
  h.end();
  await turn();
  const seen = [1, 2, 3].map(() => (h.source.next() as Batch).address);
  expect(seen).toEqual([1, 2, 3]);
  expect(h.source.next()).toBe('end');
  expect(h.call.replies.slice(1)).toEqual([
    { credit: 1 },
    { credit: 1 },
    { credit: 1 },
    { result: { rows: '6', error: Buffer.alloc(0) } },
  ]);
  expect(h.call.ended).toBe(true);
});

test('the first bad block in line order gives the error; what was parsed after it is released', async () => {
  const h = harness();
  h.open();
  await turn();
  for (const line of [1, 2, 3, 4]) h.text(line);
  h.parsing[2]!.reject(new SqlError('22P02', 'third'));
  h.parsing[3]!.resolve(1);
  await turn();
  expect(h.error()).toBeUndefined();
  h.parsing[1]!.reject(new SqlError('22P02', 'second'));
  h.parsing[0]!.resolve(1);
  await turn();
  expect(h.error()).toMatchObject({ message: 'second' });
  expect(h.call.ended).toBe(true);
  h.source.close();
  expect(h.batches).toEqual({ made: 2, released: 2 });
});

test('a master that hangs up fails the source and releases everything', async () => {
  const h = harness();
  h.open();
  await turn();
  for (const line of [1, 2]) h.text(line);
  h.call.emit('end');
  for (const p of h.parsing) p.resolve(1);
  await turn();
  expect(() => h.source.next()).toThrow('broke');
  expect(h.batches).toEqual({ made: 2, released: 2 });
});

test('an empty COPY', async () => {
  const h = harness();
  h.open();
  h.end();
  await turn();
  await turn();
  expect(h.call.replies.at(-1)).toEqual({ result: { rows: '0', error: Buffer.alloc(0) } });
  expect(h.source.next()).toBe('end');
});

test('messages that make no sense cost this call only', async () => {
  for (const send of [
    (h: ReturnType<typeof harness>) => h.text(1),
    (h: ReturnType<typeof harness>) => h.send({ range: { offset: '0', bytes: 2, first_line: '1' } }),
    (h: ReturnType<typeof harness>) => h.open() && h.open(),
    (h: ReturnType<typeof harness>) =>
      h.open() && h.send({ range: { offset: '0', bytes: 2, first_line: '1' } }),
  ]) {
    const h = harness();
    send(h);
    await turn();
    expect(h.error()).toMatchObject({ code: '08P01' });
    expect(h.call.ended).toBe(true);
  }
});

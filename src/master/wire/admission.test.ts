import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { describe, expect, it } from 'vitest';
import { errorFields, RawClient, types } from '../testing/raw-client.js';
import { startTestServer } from '../testing/test-server.js';
import { Admission } from './admission.js';

const never = new AbortController().signal;

describe('places for sessions', () => {
  it('are given in the order of arrival', async () => {
    const a = new Admission({ sessionsMax: 1, waitingMax: 2, waitMs: 5000 });
    const leave = await a.enter(never);
    const order: string[] = [];
    const noted = async (name: string) => {
      const leaveIt = await a.enter(never);
      order.push(name);
      return leaveIt;
    };
    const first = noted('first');
    const second = noted('second');
    await expect(a.enter(never)).rejects.toMatchObject({ code: '53300' });
    expect(a.waiting).toBe(2);
    leave();
    leave();
    const leaveFirst = await first;
    await sleep(10);
    expect(order).toEqual(['first']);
    leaveFirst();
    (await second)();
    expect(order).toEqual(['first', 'second']);
    (await a.enter(never))();
  });

  it('are not waited for too long, or by a client that has left', async () => {
    const a = new Admission({ sessionsMax: 1, waitingMax: 5, waitMs: 30 });
    const leave = await a.enter(never);
    const gone = new AbortController();
    const waiting = a.enter(gone.signal);
    gone.abort(new Error('left'));
    await expect(waiting).rejects.toThrow('left');
    await expect(a.enter(gone.signal)).rejects.toThrow('left');
    await expect(a.enter(never)).rejects.toMatchObject({
      code: '53300',
      message: 'sorry, too many clients already',
    });
    expect(a.waiting).toBe(0);
    leave();
    await a.enter(never);
  });
});

describe('a server that is full', () => {
  it('lets clients wait for a session, then refuses them', async () => {
    const test = await startTestServer({ limits: { sessionsMax: 2, waitingMax: 2, waitMs: 400 } });
    const client = () => new Client({ host: '127.0.0.1', port: test.port, user: 'u', database: 'd' });
    const [one, two] = [client(), client()];
    await one.connect();
    await two.connect();
    expect((await one.query('show max_connections')).rows).toEqual([{ max_connections: '2' }]);
    // One waits and gets its turn, one waits and leaves, one finds the queue full.
    const three = client();
    const third = three.connect();
    await sleep(50);
    const leaving = await RawClient.open(test.port);
    leaving.startup(0x30000, { user: 'u' });
    await sleep(50);
    await expect(client().connect()).rejects.toMatchObject({ code: '53300' });
    leaving.end();
    await sleep(50);
    const late = await RawClient.open(test.port);
    late.startup(0x30000, { user: 'u' });
    await one.end();
    await third;
    expect((await three.query('select 1 as x')).rows).toEqual([{ x: 1 }]);
    const refused = await late.waitClosed();
    expect(types(refused)).toBe('E');
    expect(errorFields(refused)).toMatchObject({ S: 'FATAL', C: '53300' });
    expect(test.server.sessions()).toHaveLength(2);
    await two.end();
    await three.end();
    expect(test.errors).toEqual([]);
    await test.close();
  });

  it('bounds connections that never become sessions', async () => {
    const test = await startTestServer({ limits: { sessionsMax: 1, waitingMax: 0 } });
    const idle = await Promise.all(Array.from({ length: 101 }, () => RawClient.open(test.port)));
    await sleep(100);
    const more = await RawClient.open(test.port);
    expect(errorFields(await more.waitClosed()).C).toBe('53300');
    for (const c of idle) c.end();
    await sleep(100);
    const { client } = await RawClient.start(test.port);
    client.end();
    await test.close();
  });
});

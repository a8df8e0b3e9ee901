import { expect, test } from 'vitest';
import { encodeFrames } from './frame.js';
import { Link } from './link.js';

test('nothing begins on a link that is broken, also within one message', () => {
  const accepted: number[] = [];
  const link = new Link(
    { write: () => undefined, hangUp: () => undefined },
    {
      dialled: true,
      address: '',
      accept: (stream) => {
        accepted.push(stream.id);
        return { frame: () => undefined, lost: () => undefined };
      },
      onHello: () => undefined,
      onBroken: () => undefined,
    },
  );
  const execute = (stream: number) =>
    ({ stream, body: { kind: 'execute', body: new Uint8Array(1) } }) as const;
  // The same id twice is what breaks it.
  link.received(encodeFrames([execute(2), execute(2), execute(4)]));
  link.received(encodeFrames([execute(6)]));
  expect(link.alive).toBe(false);
  expect(accepted).toEqual([2]);
});

test('a handler that throws loses its own stream; frames behind it arrive', () => {
  const heard: string[] = [];
  const link = new Link(
    { write: () => undefined, hangUp: () => undefined },
    {
      dialled: true,
      address: '',
      accept: () => undefined,
      onHello: () => undefined,
      onBroken: () => undefined,
    },
  );
  const bad = link.open({
    frame: () => {
      throw new Error('a bug');
    },
    lost: (why) => heard.push(why),
  });
  const good = link.open({ frame: (body) => heard.push(body.kind), lost: (why) => heard.push(why) });
  const stop = (stream: number) => ({ stream, body: { kind: 'stop' } }) as const;
  link.received(encodeFrames([stop(bad.id), stop(good.id), stop(bad.id)]));
  expect(heard).toEqual(['a bug', 'stop']);
  expect(link.alive).toBe(true);
});

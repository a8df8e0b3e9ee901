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

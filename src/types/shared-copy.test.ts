import fc from 'fast-check';
import { expect, test } from 'vitest';
import { copyToShared } from './shared-copy.js';

test('copies every byte and no other, however the two are aligned', () => {
  const shared = new Uint8Array(new SharedArrayBuffer(200_100));
  const source = new Uint8Array(200_100);
  for (let i = 0; i < source.length; i++) source[i] = (i * 31 + (i >> 8)) & 255;
  fc.assert(
    fc.property(
      fc.nat(16),
      fc.nat(16),
      fc.nat(16),
      fc.oneof(fc.nat(40), fc.constantFrom(65_535, 65_536, 65_537, 131_073, 200_000)),
      (viewAt, at, from, bytes) => {
        shared.fill(0);
        const target = new Uint8Array(shared.buffer, viewAt);
        copyToShared(target, at, source.subarray(from, from + bytes));
        const start = viewAt + at;
        expect(Buffer.compare(shared.slice(start, start + bytes), source.subarray(from, from + bytes))).toBe(
          0,
        );
        expect(shared.subarray(0, start).every((b) => b === 0)).toBe(true);
        expect(shared.subarray(start + bytes).every((b) => b === 0)).toBe(true);
      },
    ),
    { numRuns: 60 },
  );
});

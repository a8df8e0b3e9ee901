import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SharedMemory } from './shared-memory.js';

test('blocks never overlap, neighbours merge, everything comes back', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 1, max: 3_000_000 }), fc.nat()), { maxLength: 200 }),
      (steps) => {
        const m = SharedMemory.create(32 << 20);
        const whole = m.check().free;
        const live: { a: number; n: number }[] = [];
        for (const [alloc, size, pick] of steps) {
          if (alloc || live.length === 0) {
            const a = m.tryAlloc(size);
            if (a === 0) continue;
            expect(a % 64).toBe(0);
            for (const o of live) expect(a + size <= o.a || o.a + o.n <= a).toBe(true);
            live.push({ a, n: size });
          } else m.free(live.splice(pick % live.length, 1)[0]!.a);
        }
        m.check();
        for (const o of live) m.free(o.a);
        expect(m.check()).toEqual({ free: whole, used: 0 });
      },
    ),
    { numRuns: 60 },
  );
});

test('an owner list is freed as a whole, and one block out of its middle', () => {
  const m = SharedMemory.create(32 << 20);
  const owner = m.alloc(64);
  m.u32[owner >>> 2] = 0;
  const blocks = [1, 5000, 70_000, 100].map((n) => m.allocOwned(owner, n));
  m.freeOwned(owner, blocks[2]!);
  m.check();
  m.freeAllOwned(owner);
  m.free(owner);
  expect(m.check().used).toBe(0);
});

test('a full memory asks evictors, then says 53200', () => {
  const m = SharedMemory.create(16 << 20);
  const big = m.alloc(10 << 20);
  expect(() => m.alloc(10 << 20)).toThrow('out of memory');
  let kept = big;
  m.onPressure(() => {
    if (kept) m.free(kept);
    kept = 0;
    return 10 << 20;
  });
  expect(m.alloc(10 << 20)).toBeGreaterThan(0);
});

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { TestMemory } from '../../src/engine/operators/testing.js';
import { measureRowGroups } from './cases/row-groups.js';
import { ROOMS } from './operators.js';

const ROWS = 131_072 + 1024;
const dir = mkdtempSync(join(tmpdir(), 'mpp-bench-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

describe('operators that are measured return what they should', () => {
  for (const [room, cases] of Object.entries(ROOMS))
    it(room, () => {
      const tm = new TestMemory(512 << 20);
      let measured = 0;
      for (const c of cases(tm, ROWS)) {
        c.check();
        expect(c.run()).toHaveLength(c.measures.length);
        measured += c.measures.length;
      }
      expect(measured).toBeGreaterThan(0);
      tm.memory.check();
    });

  it('row groups', async () => {
    const [write, scan] = await measureRowGroups(dir, ROWS, 1);
    expect([write!.rows, scan!.rows]).toEqual([ROWS / 4, ROWS / 4]);
  });
});

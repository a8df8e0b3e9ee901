import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { FakePool } from '../types/memory-fake.js';
import { SegmentStore } from './table-store.js';

const CHILD = fileURLToPath(new URL('../../dist/src/storage/crash-child.js', import.meta.url));

/** Runs the writer for a while, kills it with SIGKILL, and returns its last word on each gxid. */
async function runAndKill(dir: string, first: number, ms: number): Promise<Map<number, string>> {
  const child = spawn(process.execPath, [CHILD, dir, String(first)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let out = '';
  child.stdout.on('data', (d: Buffer) => {
    out += d.toString();
  });
  const exited = new Promise<void>((resolve) => child.on('close', () => resolve()));
  // A busy machine may need a while for the first statements.
  while (out.split('\n').length < 12 && child.exitCode === null) await new Promise((r) => setTimeout(r, 5));
  await new Promise((r) => setTimeout(r, ms));
  child.kill('SIGKILL');
  await exited;
  const last = new Map<number, string>();
  for (const line of out.split('\n').slice(0, -1)) {
    const [word, gxid] = line.split(' ');
    last.set(Number(gxid), word!);
  }
  return last;
}

it.skipIf(!existsSync(CHILD))(
  'kill -9 at any time loses nothing that was acknowledged and leaves no garbage',
  async () => {
    const dir = mkdtempSync(join(tmpdir(), 'mpp-crash-'));
    const words = new Map<number, string>();
    for (let round = 0; round < 6; round++) {
      for (const [g, w] of await runAndKill(dir, round * 10_000 + 1, 40 + round * 37)) words.set(g, w);
      const store = await SegmentStore.open(dir, new FakePool(1 << 20));
      const inDoubt = new Set(store.preparedGxids().map(Number));
      const visible = new Map<number, number>();
      let files = 0;
      for (const storageId of store.storages()) {
        for (const g of store.snapshot(storageId, 1n << 50n)) {
          visible.set(g.gxid, (visible.get(g.gxid) ?? 0) + g.rows);
          expect(g.columns[0]!.zone).toEqual({ kind: 'int', min: g.gxid, max: g.gxid });
        }
        files += readdirSync(join(dir, `t${storageId}`)).length;
      }
      expect(files).toBe(visible.size + inDoubt.size);
      expect(words.size).toBeGreaterThan(3);
      for (const [gxid, word] of words) {
        if (word === 'committed') expect(visible.get(gxid)).toBe(1 + (gxid % 7));
        if (word === 'rolledback') expect(visible.has(gxid) || inDoubt.has(gxid)).toBe(false);
        // Its outcome may have been durable before it was reported.
        if (word === 'prepared' && gxid % 10 === 0) expect(inDoubt.has(gxid)).toBe(true);
        else if (word === 'prepared' && gxid % 10 !== 5)
          expect(inDoubt.has(gxid) || visible.get(gxid) === 1 + (gxid % 7)).toBe(true);
      }
      for (const gxid of visible.keys()) expect(gxid % 5 === 0).toBe(false);
      await store.close();
    }
    rmSync(dir, { recursive: true });
  },
  60_000,
);

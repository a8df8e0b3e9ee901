/** Loads under random `kill -9`: whatever dies and whenever, a load is there as a whole or not at all, and one that was
 *  acknowledged is there. MPP_TORTURE_ROUNDS makes it longer. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { TestCluster } from '../support/cluster.js';

const ROUNDS = Number(process.env.MPP_TORTURE_ROUNDS ?? 6);
const ROWS = 3000;
let cluster: TestCluster;

beforeAll(async () => {
  cluster = await TestCluster.start({ segments: 3, memory: '128MB' });
  await cluster.query('CREATE TABLE loads (batch int, i int) DISTRIBUTED BY (i)');
});
afterAll(() => cluster?.stop());

test('loads are atomic and durable under kills', async () => {
  const acknowledged = new Set<number>();
  const tried = new Set<number>();
  let batch = 0;
  let reads = 0;
  for (let round = 0; round < ROUNDS; round++) {
    let stop = false;
    const loader = async (): Promise<void> => {
      while (!stop) {
        const mine = batch++;
        tried.add(mine);
        try {
          await cluster.query(`INSERT INTO loads SELECT ${mine}, i FROM generate_series(1, ${ROWS}) AS g(i)`);
          acknowledged.add(mine);
        } catch {
          await sleep(20);
        }
      }
    };
    const partial: unknown[] = [];
    // Whoever looks at any time sees each load whole on all segments, or not at all.
    const reader = async (): Promise<void> => {
      while (!stop) {
        const seen = await cluster
          .query(`SELECT batch, count(*) AS n FROM loads GROUP BY batch HAVING count(*) <> ${ROWS}`)
          .catch(() => undefined);
        partial.push(...(seen?.rows ?? []));
        reads += seen === undefined ? 0 : 1;
        if (seen === undefined) await sleep(20);
      }
    };
    const loaders = [loader(), loader(), reader()];
    const before = acknowledged.size;
    while (acknowledged.size < before + 2) await sleep(10);
    await sleep(Math.random() * 300);
    const victims = cluster.names.filter(() => Math.random() < 0.4);
    await Promise.all(victims.map((v) => cluster.kill(v)));
    await sleep(50);
    stop = true;
    await Promise.all(loaders);
    expect(partial).toEqual([]);
    await cluster.startAll();
    const { rows } = await cluster.query<{ batch: number; n: number }>(
      'SELECT batch, count(*)::int AS n FROM loads GROUP BY batch',
    );
    for (const r of rows) expect(r.n, `batch ${r.batch} after killing ${victims.join(', ')}`).toBe(ROWS);
    const there = new Set(rows.map((r) => r.batch));
    for (const b of acknowledged) expect(there.has(b), `acknowledged batch ${b}`).toBe(true);
    for (const b of there) expect(tried.has(b)).toBe(true);
  }
  expect(acknowledged.size).toBeGreaterThanOrEqual(2 * ROUNDS);
  expect(reads).toBeGreaterThanOrEqual(ROUNDS);
}, 120_000);

import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTestDatabase, type TestDatabase } from '../support/test-database.js';
import { WireFuzzer } from './wire.js';

let db: TestDatabase;
let fuzzer: WireFuzzer;

beforeAll(async () => {
  db = await openTestDatabase({ segments: 1 });
  fuzzer = new WireFuzzer(db.port, 'mpp');
  await fuzzer.prepare();
});

afterAll(async () => {
  fuzzer?.close();
  await db?.close();
});

test('clients that send anything cost their own connections only', async () => {
  for (let seed = 1; seed <= 80; seed++)
    expect({ seed, fault: await fuzzer.run(seed) }).toEqual({ seed, fault: undefined });
});

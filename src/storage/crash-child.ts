/** A process for the crash test: writes, reports what was acknowledged, until it is killed. */
import { buildChunk } from '../types/chunk-fake.js';
import { FakePool } from '../types/memory-fake.js';
import { SegmentStore } from './table-store.js';

const [dir, first] = [process.argv[2]!, Number(process.argv[3])];
const store = await SegmentStore.open(dir, new FakePool(8 << 20), { compactBytes: 4000 });
const columns = [{ name: 'gxid', type: { kind: 'int8' } as const, notNull: true }];

async function statement(gxid: number): Promise<void> {
  const id = BigInt(gxid);
  const writer = store.openWriter(id, gxid % 3, columns);
  const chunk = buildChunk(
    store.memory,
    ['i64'],
    Array.from({ length: 1 + (gxid % 7) }, () => [id]),
  );
  writer.append(chunk);
  chunk.release();
  await writer.finish();
  await store.prepare(id);
  process.stdout.write(`prepared ${gxid}\n`);
  if (gxid % 10 === 0) return;
  if (gxid % 10 === 5) {
    await store.rollback(id);
    process.stdout.write(`rolledback ${gxid}\n`);
    return;
  }
  await store.commit(id, id);
  process.stdout.write(`committed ${gxid}\n`);
}

// Three statements at a time, so that their records share fsyncs.
for (let gxid = first; ; gxid += 3)
  await Promise.all([statement(gxid), statement(gxid + 1), statement(gxid + 2)]);

/** `npm run test:sf1`: the 22 queries at scale factor 1 against the standard's answers, rounded as they are there.
 *  Also over randomly distributed tables and other numbers of segments: `-- --segments 3 --random`. */
import { Command } from 'commander';
import { openTpchCluster } from '../cluster.js';
import { compareToAnswer } from './answers.js';
import { queriesFor } from './queries.js';

const program = new Command('test:sf1')
  .option('--segments <n>', 'number of segments', Number, 2)
  .option('--port <p>', 'port for clients', Number, 5543)
  .option('--random', 'every table distributed randomly')
  .option('--from <dir>', 'read .tbl files instead of generating')
  .option('--data <dir>', 'where the cluster lives');
program.parse();
const o = program.opts<{ segments: number; port: number; random?: boolean; data?: string; from?: string }>();

const cluster = await openTpchCluster({
  dir: o.data ?? `.mpp/sf1-${o.segments}${o.random ? '-random' : ''}`,
  scale: 1,
  segments: o.segments,
  port: o.port,
  distribution: o.random ? 'random' : 'key',
  from: o.from,
});
let passed = 0;
let failed = 0;
try {
  for (const q of queriesFor(1)) {
    const began = performance.now();
    let differences: readonly string[];
    try {
      const result = await cluster.client.query({ text: q.sql, rowMode: 'array' });
      differences = compareToAnswer(q.number, result.rows as (string | null)[][], 'rounded');
    } catch (e) {
      differences = [e instanceof Error ? e.message : String(e)];
    }
    const ms = (performance.now() - began).toFixed(0);
    if (differences.length === 0) passed++;
    else failed++;
    console.log(`${differences.length === 0 ? 'ok  ' : 'FAIL'} Q${q.number} ${ms} ms`);
    for (const d of differences.slice(0, 5)) console.log(`     ${d}`);
  }
} finally {
  await cluster.stop();
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

/** `npm run fuzz -- wire [--seconds N] [--seed S] [--cases N]`: fuzzes a cluster of real processes, says which case failed.
 *
 *  Also watches what only processes have: the master's memory and its log. Status 1 when something is wrong. */
import { readdirSync, readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { TestCluster } from '../support/cluster.js';
import { WireFuzzer } from './wire.js';

/** After this many cases caches are full: from there on memory must stay. */
const WARM_CASES = 100;
const GROWTH_MAX_BYTES = 200 * 1024 * 1024;

type Options = { readonly seconds: string; readonly seed: string; readonly cases?: string };

async function fuzzWire(options: Options): Promise<string | undefined> {
  const seed = Number(options.seed);
  const until = Date.now() + Number(options.seconds) * 1000;
  const casesMax = Number(options.cases ?? Number.POSITIVE_INFINITY);
  const cluster = await TestCluster.start({ segments: 1, memory: '256MB', workers: 1 });
  const fuzzer = new WireFuzzer(cluster.port, userInfo().username);
  try {
    await fuzzer.prepare();
    let warm: number | undefined;
    for (let i = 0; i < casesMax && Date.now() < until; i++) {
      const fault = await fuzzer.run(seed + i);
      if (fault !== undefined) return `${fault}\nreplay: npm run fuzz -- wire --seed ${seed + i} --cases 1`;
      if (i === WARM_CASES) warm = residentBytes(cluster.pid('master'));
      if ((i + 1) % 100 === 0) console.log(`${i + 1} cases`);
    }
    const grown = warm === undefined ? 0 : residentBytes(cluster.pid('master')) - warm;
    if (grown > GROWTH_MAX_BYTES) return `the master has grown by ${(grown / 1e6).toFixed(0)} MB`;
    return badLogLine(cluster.dir);
  } finally {
    fuzzer.close();
    await cluster.stop();
  }
}

function residentBytes(pid: number): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024;
}

/** Errors are logged for bugs only: what clients cause is answered. */
function badLogLine(dir: string): string | undefined {
  for (const file of readdirSync(dir).filter((f) => f.endsWith('.log')))
    for (const line of readFileSync(join(dir, file), 'utf8').split('\n'))
      if (/"level":(50|60)/.test(line)) return `logged by ${file}: ${line}`;
  return undefined;
}

const program = new Command('fuzz').description('Fuzzers; a failing case is replayed by its seed.');
program
  .command('wire')
  .description('hostile and broken clients')
  .option('--seconds <n>', 'how long', '60')
  .option('--seed <s>', 'of the first case', String(Date.now() % 1_000_000_000))
  .option('--cases <n>', 'at most this many')
  .action(async (options: Options) => {
    console.log(`seed ${options.seed}`);
    const fault = await fuzzWire(options);
    console.log(fault ?? 'nothing found');
    process.exitCode = fault === undefined ? 0 : 1;
  });
await program.parseAsync();

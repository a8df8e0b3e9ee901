/** `npm run bench`: every benchmark, one after the other, each in a process of its own so that none inherits the memory of
 *  another; then what they measured against what is promised. A benchmark that fails does not keep the others from running. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { RESULTS_DIR } from './report.js';
import { type Figures, judge } from './targets.js';

export type AllOptions = {
  readonly scale: number;
  readonly scales: string;
  readonly keep?: boolean;
  readonly data?: string;
  readonly postgres?: string;
};

export async function allBenches(o: AllOptions): Promise<void> {
  const began = new Date().toISOString();
  const scale = ['--scale', String(o.scale)];
  const postgres = o.postgres === undefined ? [] : ['--postgres', o.postgres];
  const benches: readonly (readonly string[])[] = [
    ['operators'],
    ['load', ...scale],
    ['tpch', ...scale, ...postgres],
    ['latency'],
    ['fetch', ...scale, ...postgres],
    ['concurrency', ...scale],
    ['scale', '--scales', o.scales, ...(o.keep === true ? ['--keep'] : [])],
  ];
  const failed: string[] = [];
  for (const [name, ...options] of benches) {
    console.log(`\n${name}`);
    const data = o.data === undefined ? [] : ['--data', o.data];
    const main = fileURLToPath(new URL('./main.js', import.meta.url));
    const child = spawn(process.execPath, [main, name!, ...options, ...data], { stdio: 'inherit' });
    const [code] = (await once(child, 'exit')) as [number | null];
    if (code !== 0) failed.push(name!);
  }
  summary(runsSince(began));
  if (failed.length > 0) {
    console.error(`Failed: ${failed.join(', ')}`);
    process.exitCode = 1;
  }
}

function runsSince(date: string): Map<string, Figures> {
  const runs = new Map<string, Figures>();
  for (const file of readdirSync(RESULTS_DIR)) {
    if (!file.endsWith('.json') || file === 'history.json') continue;
    const run = JSON.parse(readFileSync(join(RESULTS_DIR, file), 'utf8')) as {
      date: string;
      name?: string;
      figures?: Figures;
    };
    if (run.date >= date && run.name !== undefined && run.figures !== undefined)
      runs.set(run.name, run.figures);
  }
  return runs;
}

function summary(runs: ReadonlyMap<string, Figures>): void {
  console.log('\nWhat is promised, and what was measured:\n');
  for (const v of judge(runs)) {
    console.log(`  ${v.met ? 'met    ' : 'NOT MET'}  ${v.target}`);
    for (const line of v.measured.split('; ')) console.log(`             ${line}`);
  }
  console.log(`\nAll figures are in ${RESULTS_DIR}; ${RESULTS_DIR}/index.html plots their history.`);
}

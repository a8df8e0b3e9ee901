/** Keeps what benchmarks measured: the last run of each as JSON, all runs as a history, and a page that plots it.
 *
 *  `bench/results/NAME.json`     the whole of the last run
 *  `bench/results/history.json`  one entry a run: date, benchmark, machine, and its figures by name
 *  `bench/results/index.html`    charts of the history; self-contained, no network */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { historyPage } from './history-page.js';

export type Run = {
  /** File name and title: `latency`, `tpch-sf1`. */
  readonly name: string;
  readonly options: Readonly<Record<string, unknown>>;
  /** What the history plots, with the unit last in the name: `nation count, mpp (ms)`. */
  readonly figures: Readonly<Record<string, number>>;
  /** Anything else worth keeping of this run. */
  readonly detail?: unknown;
};

export type HistoryEntry = {
  readonly date: string;
  readonly name: string;
  readonly machine: string;
  readonly figures: Readonly<Record<string, number>>;
};

export const RESULTS_DIR = join('bench', 'results');

export function machine(): Readonly<Record<string, unknown>> {
  return {
    cpu: cpus()[0]?.model,
    cores: cpus().length,
    memoryBytes: totalmem(),
    node: process.version,
  };
}

export function record(run: Run): void {
  mkdirSync(RESULTS_DIR, { recursive: true });
  const date = new Date().toISOString();
  const whole = { benchmark: run.name, date, machine: machine(), ...run };
  write(`${run.name}.json`, `${JSON.stringify(whole, null, 2)}\n`);
  const history: HistoryEntry[] = existsSync(join(RESULTS_DIR, 'history.json'))
    ? (JSON.parse(readFileSync(join(RESULTS_DIR, 'history.json'), 'utf8')) as HistoryEntry[])
    : [];
  const figures = Object.fromEntries(
    Object.entries(run.figures).map(([k, v]) => [k, Number(v.toPrecision(5))]),
  );
  const { cpu, cores, node } = machine();
  history.push({
    date,
    name: run.name,
    machine: `${String(cpu)}, ${String(cores)} cores, Node ${String(node)}`,
    figures,
  });
  write('history.json', `[\n${history.map((h) => JSON.stringify(h)).join(',\n')}\n]\n`);
  write('index.html', historyPage(history));
  console.log(`Kept in ${RESULTS_DIR}/${run.name}.json; ${RESULTS_DIR}/index.html plots the history.`);
}

function write(name: string, text: string): void {
  const file = join(RESULTS_DIR, name);
  writeFileSync(`${file}.new`, text);
  renameSync(`${file}.new`, file);
}

/** Keeps what benchmarks measured: the last run of each as JSON, all runs as a history, and a page that plots it.
 *
 *  `bench/results/NAME.json`     the whole of the last run
 *  `bench/results/history.json`  one entry a run: date, benchmark, machine, and its figures by name
 *  `bench/results/index.html`    charts of the history; self-contained, no network */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';

export type Run = {
  /** File name and title: `latency`, `tpch-sf1`. */
  readonly name: string;
  readonly options: Readonly<Record<string, unknown>>;
  /** What the history plots, with the unit last in the name: `nation count, mpp (ms)`. */
  readonly figures: Readonly<Record<string, number>>;
  /** Anything else worth keeping of this run. */
  readonly detail?: unknown;
};

type HistoryEntry = {
  readonly date: string;
  readonly name: string;
  readonly machine: string;
  readonly figures: Readonly<Record<string, number>>;
};

const DIR = join('bench', 'results');

export function machine(): Readonly<Record<string, unknown>> {
  return {
    cpu: cpus()[0]?.model,
    cores: cpus().length,
    memoryBytes: totalmem(),
    node: process.version,
  };
}

export function record(run: Run): void {
  mkdirSync(DIR, { recursive: true });
  const date = new Date().toISOString();
  const whole = { benchmark: run.name, date, machine: machine(), ...run };
  write(`${run.name}.json`, `${JSON.stringify(whole, null, 2)}\n`);
  const history: HistoryEntry[] = existsSync(join(DIR, 'history.json'))
    ? (JSON.parse(readFileSync(join(DIR, 'history.json'), 'utf8')) as HistoryEntry[])
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
  write('index.html', page(history));
  console.log(`Kept in ${DIR}/${run.name}.json; ${DIR}/index.html plots the history.`);
}

function write(name: string, text: string): void {
  const file = join(DIR, name);
  writeFileSync(`${file}.new`, text);
  renameSync(`${file}.new`, file);
}

function page(history: readonly HistoryEntry[]): string {
  const data = JSON.stringify(history).replaceAll('<', '\\u003c');
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>mpp benchmarks</title>
<style>
  body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 64rem; padding: 0 1rem; color: #1f2933; background: #fff; }
  h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin: 2.2rem 0 .3rem; }
  svg { width: 100%; height: auto; } table { border-collapse: collapse; font-size: 13px; } td, th { padding: .15rem .8rem .15rem 0; text-align: left; }
  td.n { text-align: right; font-variant-numeric: tabular-nums; } .note { color: #52606d; }
  i { display: inline-block; width: .8em; height: .8em; border-radius: 2px; margin-right: .4em; }
</style>
<h1>Benchmarks of mpp beside its peers</h1>
<p class="note">Each point is one run of <code>npm run bench -- NAME</code>; peers were measured in the same run. Hover for values.</p>
<div id="charts"></div>
<script>
const history_ = ${data};
const colors = ['#0b6e4f', '#f2b134', '#4c6ef5', '#c92a2a', '#862e9c', '#1098ad', '#5c940d', '#868e96'];
const root = document.getElementById('charts');
const esc = (s) => String(s).replace(/[&<>"]/g, (c) => '&#' + c.charCodeAt(0) + ';');
for (const name of [...new Set(history_.map((h) => h.name))]) {
  const runs = history_.filter((h) => h.name === name);
  const keys = [...new Set(runs.flatMap((r) => Object.keys(r.figures)))];
  const units = [...new Set(keys.map((k) => (k.match(/\\(([^)]*)\\)$/) || [, ''])[1]))];
  root.insertAdjacentHTML('beforeend', '<h2>' + esc(name) + '</h2>');
  for (const unit of units) {
    const mine = keys.filter((k) => ((k.match(/\\(([^)]*)\\)$/) || [, ''])[1]) === unit);
    const all = runs.flatMap((r) => mine.map((k) => r.figures[k]).filter((v) => v !== undefined));
    const max = Math.max(...all) || 1;
    const W = 960, H = 220, L = 60, B = 190;
    const x = (i) => L + (runs.length === 1 ? (W - L) / 2 : (i * (W - L - 20)) / (runs.length - 1));
    const y = (v) => B - (v / max) * (B - 20);
    let svg = '<svg viewBox="0 0 ' + W + ' ' + H + '" font-size="11">';
    for (let g = 0; g <= 4; g++) { const v = (max * g) / 4; svg += '<line x1="' + L + '" x2="' + W + '" y1="' + y(v) + '" y2="' + y(v) + '" stroke="#e4e7eb"/><text x="' + (L - 6) + '" y="' + (y(v) + 4) + '" text-anchor="end" fill="#52606d">' + v.toPrecision(3) + '</text>'; }
    mine.forEach((k, c) => {
      const points = runs.map((r, i) => [i, r.figures[k], r.date]).filter((p) => p[1] !== undefined);
      svg += '<polyline fill="none" stroke="' + colors[c % colors.length] + '" stroke-width="2" points="' + points.map((p) => x(p[0]) + ',' + y(p[1])).join(' ') + '"/>';
      for (const p of points) svg += '<circle r="4" cx="' + x(p[0]) + '" cy="' + y(p[1]) + '" fill="' + colors[c % colors.length] + '"><title>' + esc(k + ': ' + p[1] + ' on ' + p[2]) + '</title></circle>';
    });
    root.insertAdjacentHTML('beforeend', svg + '</svg>');
    root.insertAdjacentHTML('beforeend', '<table>' + mine.map((k, c) => '<tr><td><i style="background:' + colors[c % colors.length] + '"></i>' + esc(k) + '</td><td class="n">' + (runs.at(-1).figures[k] ?? '') + '</td></tr>').join('') + '</table>');
  }
}
</script>
</html>
`;
}

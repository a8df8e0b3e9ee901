/** The page that plots what benchmarks measured, run after run. Self-contained: no network, no library.
 *
 *  One small chart a figure; figures that differ in the engine only (`NAME, mpp (UNIT)`) share one, so that a peer is seen
 *  beside us. Axes begin at zero. */
import type { HistoryEntry } from './report.js';

export function historyPage(history: readonly HistoryEntry[]): string {
  const data = JSON.stringify(history).replaceAll('<', '\\u003c');
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>mpp benchmarks</title>
<style>
  body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 76rem; padding: 0 1rem; color: #1f2933; background: #fff; }
  h1 { font-size: 1.4rem; } h2 { font-size: 1.15rem; margin: 2.4rem 0 .2rem; }
  nav a { margin-right: 1rem; } .note { color: #52606d; margin: .2rem 0 .8rem; }
  .grid { display: grid; grid-template-columns: repeat(auto-fill, minmax(17.5rem, 1fr)); gap: 1rem 1.4rem; }
  figure { margin: 0; } figcaption { font-size: 13px; font-weight: 600; } figcaption small { font-weight: 400; color: #52606d; }
  svg { width: 100%; height: auto; display: block; }
  ul { list-style: none; margin: 0; padding: 0; font-size: 12px; display: flex; flex-wrap: wrap; gap: 0 .9rem; font-variant-numeric: tabular-nums; }
  i { display: inline-block; width: .75em; height: .75em; border-radius: 2px; margin-right: .35em; }
</style>
<h1>Benchmarks of mpp beside its peers</h1>
<p class="note">Each point is one run of <code>npm run bench -- NAME</code>, oldest first; peers were measured in the same run. Below each chart: the last run. Hover a point for its value and date.</p>
<nav></nav>
<main></main>
<script>
const runsOfAll = ${data};
const ENGINES = { mpp: '#0b6e4f', 'mpp prepared': '#74b816', DuckDB: '#f2b134', 'DuckDB in memory': '#f2b134', 'DuckDB with a file': '#e8590c', PostgreSQL: '#4c6ef5', 'hand-written': '#862e9c' };
const W = 300, H = 130, LEFT = 42, RIGHT = 8, TOP = 8, BOTTOM = 108;
const esc = (s) => String(s).replace(/[&<>"]/g, (c) => '&#' + c.charCodeAt(0) + ';');
const short = (v) => v >= 1e6 ? +(v / 1e6).toPrecision(3) + ' M' : v >= 1e4 ? +(v / 1e3).toPrecision(3) + ' k' : String(+v.toPrecision(3));

/** 'one order, mpp prepared (ms)' -> the chart 'one order' in ms, its line 'mpp prepared'. */
function split(key) {
  const [, name, unit] = key.match(/^(.*?)(?: \\(([^()]*)\\))?$/);
  const engine = Object.keys(ENGINES).sort((a, b) => b.length - a.length).find((e) => name.endsWith(', ' + e));
  return { chart: engine ? name.slice(0, -engine.length - 2) : name, unit: unit || '', line: engine || '' };
}

function chartsOf(runs) {
  const charts = new Map();
  for (const key of new Set(runs.flatMap((r) => Object.keys(r.figures)))) {
    const { chart, unit, line } = split(key);
    const id = chart + '|' + unit;
    if (!charts.has(id)) charts.set(id, { title: chart, unit, lines: [] });
    charts.get(id).lines.push({ key, name: line || 'mpp' });
  }
  return [...charts.values()];
}

function draw({ title, unit, lines }, runs) {
  const values = runs.flatMap((r) => lines.map((l) => r.figures[l.key])).filter((v) => typeof v === 'number');
  const max = Math.max(0, ...values) || 1;
  const min = Math.min(0, ...values);
  const x = (i) => runs.length === 1 ? (LEFT + W - RIGHT) / 2 : LEFT + (i * (W - LEFT - RIGHT)) / (runs.length - 1);
  const y = (v) => BOTTOM - ((v - min) / (max - min)) * (BOTTOM - TOP);
  let svg = '<svg viewBox="0 0 ' + W + ' ' + H + '" font-size="10" role="img" aria-label="' + esc(title) + '">';
  for (const v of [min, (min + max) / 2, max])
    svg += '<line x1="' + LEFT + '" x2="' + (W - RIGHT) + '" y1="' + y(v) + '" y2="' + y(v) + '" stroke="#e4e7eb"/><text x="' + (LEFT - 5) + '" y="' + (y(v) + 3) + '" text-anchor="end" fill="#52606d">' + short(v) + '</text>';
  const day = (r) => r.date.slice(5, 16).replace('T', ' ');
  svg += '<text x="' + LEFT + '" y="' + (H - 6) + '" fill="#52606d">' + day(runs[0]) + '</text>';
  if (runs.length > 1) svg += '<text x="' + (W - RIGHT) + '" y="' + (H - 6) + '" text-anchor="end" fill="#52606d">' + day(runs.at(-1)) + '</text>';
  let legend = '';
  for (const l of lines) {
    const color = ENGINES[l.name];
    const points = runs.map((r, i) => ({ r, i, v: r.figures[l.key] })).filter((p) => typeof p.v === 'number');
    // Runs of two machines do not compare: no line between them.
    for (const [a, b] of points.slice(1).map((p, k) => [points[k], p]))
      if (a.r.machine === b.r.machine) svg += '<line stroke="' + color + '" stroke-width="1.8" x1="' + x(a.i) + '" y1="' + y(a.v) + '" x2="' + x(b.i) + '" y2="' + y(b.v) + '"/>';
    for (const p of points) svg += '<circle r="3" cx="' + x(p.i) + '" cy="' + y(p.v) + '" fill="' + color + '"><title>' + esc(l.key + ': ' + p.v + '\\n' + p.r.date + '\\n' + p.r.machine) + '</title></circle>';
    const last = runs.at(-1).figures[l.key];
    legend += '<li><i style="background:' + color + '"></i>' + (lines.length > 1 || l.name !== 'mpp' ? esc(l.name) + ' ' : '') + (last === undefined ? '' : short(last)) + '</li>';
  }
  return '<figure><figcaption>' + esc(title) + (unit ? ' <small>' + esc(unit) + '</small>' : '') + '</figcaption>' + svg + '</svg><ul>' + legend + '</ul></figure>';
}

const names = [...new Set(runsOfAll.map((r) => r.name))].sort();
document.querySelector('nav').innerHTML = names.map((n) => '<a href="#' + esc(n) + '">' + esc(n) + '</a>').join('');
document.querySelector('main').innerHTML = names.map((name) => {
  const runs = runsOfAll.filter((r) => r.name === name);
  // What no run has measured for long is history: it stays in history.json.
  const last = new Set(Object.keys(runs.at(-1).figures));
  const charts = chartsOf(runs).filter((c) => c.lines.some((l) => last.has(l.key)));
  return '<section id="' + esc(name) + '"><h2>' + esc(name) + '</h2><p class="note">' + runs.length + (runs.length === 1 ? ' run' : ' runs') + '; the last on ' + esc(runs.at(-1).date.slice(0, 10)) + ', ' + esc(runs.at(-1).machine) + '</p><div class="grid">' + charts.map((c) => draw(c, runs)).join('') + '</div></section>';
}).join('');
</script>
</html>
`;
}

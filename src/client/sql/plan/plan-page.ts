/** A plan as one web page that needs nothing else: the tree with widths by time, rows and times of each segment. */
import {
  allNodes,
  type Plan,
  type PlanNode,
  type SegmentValue,
  type SliceTimes,
  skewedSegment,
} from './plan-model.js';

function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

function count(n: number): string {
  return Math.round(n)
    .toString()
    .replace(/\B(?=(\d{3})+$)/g, ',');
}

function time(ms: number): string {
  return ms >= 1000 ? `${(ms / 1000).toFixed(2)} s` : `${ms.toFixed(ms < 10 ? 2 : 1)} ms`;
}

function size(bytes: number): string {
  if (bytes < 10_240) return `${Math.round(bytes)} B`;
  return bytes < 10_485_760 ? `${Math.round(bytes / 1024)} kB` : `${Math.round(bytes / 1_048_576)} MB`;
}

function segmentName(segment: number): string {
  return segment < 0 ? 'master' : `segment ${segment}`;
}

const STYLE = `
:root { color-scheme: light dark; --line: #8884; --bar: #4a90d9; --hot: #d9534a; --dim: #888; --warn: #d99a00; }
body { font: 14px/1.45 system-ui, sans-serif; margin: 2em; max-width: 120em; }
h1 { font-size: 1.3em; } h2 { font-size: 1.1em; margin-top: 2em; }
pre { background: #8881; padding: .8em 1em; border-radius: 6px; overflow: auto; }
ul { list-style: none; margin: 0; padding-left: 1.6em; border-left: 1px solid var(--line); }
ul.top { padding-left: 0; border: 0; }
li { margin: .25em 0; }
.node { display: grid; grid-template-columns: minmax(16em, 1fr) 20em 14em 16em; gap: 1em; align-items: center; }
.node:hover { background: #8881; }
.label { font-weight: 600; } .slice { color: var(--dim); font-weight: 400; margin-left: .6em; }
.bar { background: #8882; border-radius: 3px; height: 1.1em; position: relative; }
.bar i { display: block; height: 100%; border-radius: 3px; background: var(--bar); min-width: 1px; }
.bar b { position: absolute; left: .4em; top: 0; font-weight: 400; font-size: .85em; line-height: 1.3em; }
.hot .bar i { background: var(--hot); } .hot .label::after { content: " slowest"; color: var(--hot); font-size: .85em; }
.skew::after { content: attr(data-skew); color: var(--warn); font-size: .85em; margin-left: .6em; }
.rows { font-variant-numeric: tabular-nums; } .off { color: var(--warn); }
.segments { display: flex; gap: 2px; align-items: flex-end; height: 1.6em; }
.segments i { flex: 1; background: var(--bar); min-height: 1px; max-width: 1.5em; } .segments i.most { background: var(--warn); }
details summary { cursor: pointer; } dl { margin: .2em 0 .4em 1.2em; color: var(--dim); display: grid; grid-template-columns: max-content 1fr; gap: 0 1em; }
dd { margin: 0; font-family: ui-monospace, monospace; font-size: .9em; overflow-wrap: anywhere; }
table { border-collapse: collapse; } th, td { text-align: right; padding: .15em .8em; border-bottom: 1px solid var(--line); font-variant-numeric: tabular-nums; }
th:first-child, td:first-child { text-align: left; } td.max { color: var(--warn); font-weight: 600; }
`;

type Scale = { readonly ms: number; readonly slowest: PlanNode | undefined };

export function planPage(plan: Plan, query: string, server: string, when: Date): string {
  const nodes = allNodes(plan.root);
  const ms = Math.max(0, ...nodes.map((n) => n.ms ?? 0));
  const scale: Scale = { ms, slowest: ms > 0 ? nodes.find((n) => n.ms === ms) : undefined };
  const facts = [
    plan.executionMs === undefined ? undefined : `execution ${time(plan.executionMs)}`,
    plan.planningMs === undefined ? undefined : `planning ${time(plan.planningMs)}`,
    escapeHtml(server),
    escapeHtml(when.toISOString().replace('T', ' ').slice(0, 19)),
  ].filter((f) => f !== undefined);
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Query plan</title><style>${STYLE}</style></head><body>
<h1>Query plan</h1>
<p>${facts.join(' · ')}</p>
<pre>${escapeHtml(query.trim())}</pre>
<h2>Operators</h2>
<p>Bars: ${plan.slices.length > 0 ? 'time of the pipelines that an operator’s rows pass through, on the slowest segment' : 'time in the operator itself'}. Small bars: rows of each segment.</p>
<ul class="top">${nodeHtml(plan.root, scale)}</ul>
${plan.slices.length === 0 ? '' : `<h2>Slices</h2>${plan.slices.map(sliceHtml).join('\n')}`}
</body></html>
`;
}

function rowsHtml(n: PlanNode): string {
  if (n.rows === undefined) return n.rowsPlanned === undefined ? '' : `${count(n.rowsPlanned)} rows expected`;
  if (n.rowsPlanned === undefined) return `${count(n.rows)} rows`;
  const [a, b] = [Math.max(1, n.rows), Math.max(1, n.rowsPlanned)];
  const off = Math.max(a / b, b / a);
  const note = off >= 10 ? ' class="off" title="the estimate is far off"' : '';
  return `${count(n.rows)} rows <span${note}>(${count(n.rowsPlanned)} expected)</span>`;
}

function segmentsHtml(values: readonly SegmentValue[]): string {
  if (values.length < 2) return '';
  const most = Math.max(...values.map((v) => v.value), 1);
  return `<div class="segments">${values
    .map(
      (v) =>
        `<i style="height:${((v.value / most) * 100).toFixed(1)}%"${v.value === most && values.some((w) => w.value < most) ? ' class="most"' : ''} title="${segmentName(v.segment)}: ${count(v.value)} rows"></i>`,
    )
    .join('')}</div>`;
}

function nodeHtml(n: PlanNode, scale: Scale): string {
  const share = n.ms === undefined || scale.ms === 0 ? 0 : (n.ms / scale.ms) * 100;
  const skew = skewedSegment(n);
  const label = `<span class="label">${escapeHtml(n.label)}</span>${n.slice === undefined ? '' : `<span class="slice">slice ${n.slice}</span>`}`;
  const marked =
    skew === undefined
      ? label
      : `<span class="skew" data-skew="skewed: ${segmentName(skew)}">${label}</span>`;
  const properties = n.properties
    .map(([k, v]) => `<dt>${escapeHtml(k)}</dt><dd>${escapeHtml(v)}</dd>`)
    .join('');
  const bar =
    n.ms === undefined
      ? '<span></span>'
      : `<div class="bar"><i style="width:${share.toFixed(1)}%"></i><b>${time(n.ms)}</b></div>`;
  const head = `<div class="node${n === scale.slowest ? ' hot' : ''}"><span>${marked}</span>${bar}<span class="rows">${rowsHtml(n)}</span>${segmentsHtml(n.rowsBySegment)}</div>`;
  const body =
    properties === '' ? head : `<details><summary>${head}</summary><dl>${properties}</dl></details>`;
  const children = n.children.map((c) => nodeHtml(c, scale)).join('');
  return `<li>${body}${children === '' ? '' : `<ul>${children}</ul>`}</li>`;
}

function sliceHtml(s: SliceTimes): string {
  const heads = s.segments.map((e) => `<th>${segmentName(e.segment)}</th>`).join('');
  const row = (name: string, values: readonly number[], shown: (n: number) => string): string => {
    const most = Math.max(...values);
    const average = values.reduce((a, b) => a + b, 0) / Math.max(1, values.length);
    return `<tr><td>${escapeHtml(name)}</td>${values
      .map((v) => `<td${v === most && v > average * 1.25 && v > 1 ? ' class="max"' : ''}>${shown(v)}</td>`)
      .join('')}</tr>`;
  };
  const pipelines = s.pipelines
    .map((p) =>
      row(
        p.label,
        s.segments.map((e) => p.bySegment.find((b) => b.segment === e.segment)?.value ?? 0),
        time,
      ),
    )
    .join('');
  return `<h3>Slice ${s.slice}</h3><table><tr><th></th>${heads}</tr>
${row(
  'time',
  s.segments.map((e) => e.ms),
  time,
)}${row(
  'of that, compiling',
  s.segments.map((e) => e.compileMs),
  time,
)}${row(
  'memory at most',
  s.segments.map((e) => e.memoryBytes),
  size,
)}${pipelines}</table>`;
}

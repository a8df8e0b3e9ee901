/** EXPLAIN's text: PostgreSQL's layout, Greenplum's motions and slices. One string a line. */
import type { DistributedPlan } from '../physical.js';
import { type AnalyzeStats, pipelineMsOf, rowsBySegment, rowsOf, type Spread, summarize } from './analyze.js';
import { type ExplainNode, explainTree } from './tree.js';

export type ExplainTextOptions = {
  readonly verbose?: boolean;
  /** By default true. */
  readonly costs?: boolean;
  readonly timing?: boolean;
  /** By default true when there are statistics of a run. */
  readonly summary?: boolean;
  readonly analyze?: AnalyzeStats | undefined;
  /** Planning time, shown without ANALYZE when `summary` is asked for. */
  readonly planningMs?: number;
};

export function explainText(plan: DistributedPlan, options: ExplainTextOptions = {}): readonly string[] {
  const lines: string[] = [];
  render(explainTree(plan), 0, options, lines);
  const { analyze } = options;
  lines.push('Optimizer: mpp');
  if (analyze !== undefined) {
    lines.push('Slice statistics:');
    for (const s of summarize(analyze)) {
      const on = s.processes === 1 ? '' : ` of ${s.processes} processes`;
      lines.push(
        `  (slice${s.id})  time=${times(s.totalMs)} ms, compile=${times(s.compileMs)} ms, memory=${sizes(s.memoryBytes)}${on}`,
      );
      if (options.timing !== false)
        for (const p of s.pipelines)
          lines.push(
            `    pipeline ${p.id}: ${p.label}  time=${times(p.ms)} ms, morsels=${counts(p.morsels)}`,
          );
    }
  }
  const summary = options.summary ?? analyze !== undefined;
  const planning = analyze?.planningMs ?? options.planningMs;
  if (summary && planning !== undefined) lines.push(`Planning Time: ${planning.toFixed(3)} ms`);
  if (summary && analyze !== undefined) lines.push(`Execution Time: ${analyze.executionMs.toFixed(3)} ms`);
  return lines;
}

function render(node: ExplainNode, depth: number, options: ExplainTextOptions, lines: string[]): void {
  const indent = depth === 0 ? '' : `${' '.repeat(6 * (depth - 1) + 2)}->  `;
  const body = ' '.repeat(depth === 0 ? 2 : 6 * depth + 2);
  let head = `${indent}${node.label}`;
  if (options.costs !== false)
    head += `  (cost=0.00..${(node.cost / 1000).toFixed(2)} rows=${Math.round(node.rows)} width=${node.width})`;
  const { analyze } = options;
  if (analyze !== undefined && node.id !== undefined) {
    const rows = rowsOf(analyze, node.slice, node.id);
    head +=
      rows === undefined
        ? '  (never executed)'
        : `  (actual rows=${actual(rows)}${timed(node, options)}${skewed(rows, rowsBySegment(analyze, node.slice, node.id))})`;
  }
  lines.push(head);
  for (const p of node.properties) {
    lines.push(`${body}${p.name}: ${show(p.value)}`);
    const { counted } = p;
    const count =
      analyze === undefined || counted === undefined ? undefined : rowsOf(analyze, node.slice, counted.id);
    if (count !== undefined) lines.push(`${body}${counted?.name}: ${actual(count)}`);
  }
  if (options.verbose === true)
    for (const p of node.verbose) lines.push(`${body}${p.name}: ${show(p.value)}`);
  if (analyze !== undefined && node.motion !== undefined) {
    const m = analyze.motions.find((x) => x.motion === node.motion);
    if (m !== undefined) lines.push(`${body}Moved: ${m.rows} rows, ${bytes(m.bytes)}`);
  }
  for (const c of node.children) {
    if (c.title !== undefined) lines.push(`${body}${c.title.name}  ${c.title.place}`);
    render(c, depth + 1, options, lines);
  }
}

/** Of the pipelines that the node takes part in: nodes of one pipeline have it in common. */
function timed({ slice, id }: ExplainNode, { analyze, timing }: ExplainTextOptions): string {
  const ms =
    analyze === undefined || id === undefined || timing === false
      ? undefined
      : pipelineMsOf(analyze, slice, id);
  return ms === undefined ? '' : ` time=${ms.toFixed(1)} ms`;
}

const SKEW_FACTOR = 1.5;
const SKEW_ROWS = 1000;

/** The segment that has far more rows than the others, if there is one. */
function skewed(s: Spread, each: readonly { readonly segment: number; readonly rows: number }[]): string {
  if (s.count < 2 || s.max < s.avg * SKEW_FACTOR || s.max - s.avg < SKEW_ROWS) return '';
  return `, most on segment ${each.find((e) => e.rows === s.max)?.segment}`;
}

function show(v: string | readonly string[]): string {
  return typeof v === 'string' ? v : v.join(', ');
}

function actual(s: Spread): string {
  return s.count === 1 ? `${s.total}` : `${s.total} min/avg/max=${s.min}/${s.avg.toFixed(1)}/${s.max}`;
}

function times(s: Spread): string {
  return s.count === 1 ? s.total.toFixed(1) : `${s.min.toFixed(1)}/${s.avg.toFixed(1)}/${s.max.toFixed(1)}`;
}

function counts(s: Spread): string {
  return s.count === 1 ? `${s.total}` : `${s.min}/${s.avg.toFixed(1)}/${s.max}`;
}

function sizes(s: Spread): string {
  return s.count === 1 ? bytes(s.total) : `${bytes(s.min)}/${bytes(s.avg)}/${bytes(s.max)}`;
}

function bytes(n: number): string {
  if (n < 10_240) return `${Math.round(n)} B`;
  return n < 10_485_760 ? `${Math.round(n / 1024)} kB` : `${Math.round(n / 1_048_576)} MB`;
}

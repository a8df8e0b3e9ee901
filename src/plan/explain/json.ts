/** EXPLAIN (FORMAT JSON): PostgreSQL's shape, with the properties of motions and slices beside its own. */
import type { DistributedPlan } from '../physical.js';
import { rowsBySegment, rowsOf, type Spread, summarize } from './analyze.js';
import type { ExplainTextOptions } from './text.js';
import { type ExplainNode, explainTree } from './tree.js';

type Json = string | number | boolean | { readonly [key: string]: Json } | readonly Json[];

export function explainJson(plan: DistributedPlan, options: ExplainTextOptions = {}): string {
  const { analyze } = options;
  const top: Record<string, Json> = { Plan: node(explainTree(plan), undefined, options), Optimizer: 'mpp' };
  if (analyze !== undefined) {
    top.Slices = summarize(analyze).map((s) => ({
      Slice: s.id,
      Processes: s.processes,
      'Total Time': spreadJson(s.totalMs),
      'Compile Time': spreadJson(s.compileMs),
      'Peak Memory': spreadJson(s.memoryBytes),
      Segments: s.each.map((p) => ({
        Segment: p.segment,
        'Total Time': p.totalMs,
        'Compile Time': p.compileMs,
        'Peak Memory': p.memoryPeakBytes,
      })),
      Pipelines: s.pipelines.map((p) => ({
        Pipeline: p.id,
        Label: p.label,
        Time: spreadJson(p.ms),
        Morsels: spreadJson(p.morsels),
        Nodes: [...p.nodes],
        'Time by Segment': s.each.map((e) => ({
          Segment: e.segment,
          Time: e.pipelines.find((x) => x.id === p.id)?.ms ?? 0,
        })),
      })),
    }));
  }
  const summary = options.summary ?? analyze !== undefined;
  const planning = analyze?.planningMs ?? options.planningMs;
  if (summary && planning !== undefined) top['Planning Time'] = planning;
  if (summary && analyze !== undefined) top['Execution Time'] = analyze.executionMs;
  return JSON.stringify([top], undefined, 2);
}

function node(n: ExplainNode, parent: string | undefined, options: ExplainTextOptions): Json {
  const out: Record<string, Json> = { 'Node Type': n.type };
  if (parent !== undefined) out['Parent Relationship'] = parent;
  if (n.type === 'Seq Scan') {
    const [table, alias] = n.label.replace('Seq Scan on ', '').split(' ');
    out['Relation Name'] = table;
    out.Alias = alias ?? table;
  }
  if (n.title !== undefined) out['Subplan Name'] = n.title.name;
  if (n.type === 'CTE Scan') {
    const [name, alias] = n.label.replace('CTE Scan on ', '').split(' ');
    out['CTE Name'] = name;
    out.Alias = alias ?? name;
  }
  out.Slice = n.slice;
  if (options.costs !== false) {
    out['Startup Cost'] = 0;
    out['Total Cost'] = Math.round(n.cost / 10) / 100;
    out['Plan Rows'] = Math.round(n.rows);
    out['Plan Width'] = n.width;
  }
  const { analyze } = options;
  if (analyze !== undefined && n.id !== undefined) {
    const rows = rowsOf(analyze, n.slice, n.id);
    out.Node = n.id;
    out['Actual Rows'] = rows?.total ?? 0;
    out['Actual Loops'] = rows?.count ?? 0;
    if (rows !== undefined && rows.count > 1) {
      out['Actual Rows Per Process'] = spreadJson(rows);
      out['Rows by Segment'] = rowsBySegment(analyze, n.slice, n.id).map((r) => ({
        Segment: r.segment,
        Rows: r.rows,
      }));
    }
    const m = n.motion === undefined ? undefined : analyze.motions.find((x) => x.motion === n.motion);
    if (m !== undefined) {
      out['Moved Rows'] = m.rows;
      out['Moved Bytes'] = m.bytes;
    }
  }
  const listed = new Set(['Group Key', 'Sort Key', 'Merge Key', 'Hash Key', 'Output']);
  const shown = options.verbose === true ? [...n.properties, ...n.verbose] : n.properties;
  for (const p of shown) {
    const text = typeof p.value === 'string' ? p.value : p.value.join(', ');
    if (p.counted !== undefined) {
      const rows = analyze === undefined ? undefined : rowsOf(analyze, n.slice, p.counted.id);
      const entry = { Filter: text, ...(rows === undefined ? {} : { [p.counted.name]: rows.total }) };
      out[`${p.name}s`] = [...((out[`${p.name}s`] as readonly Json[] | undefined) ?? []), entry];
      continue;
    }
    out[p.name] = listed.has(p.name) ? [text] : text;
  }
  if (n.children.length > 0)
    out.Plans = n.children.map((c, i) =>
      node(c, c.title !== undefined ? 'InitPlan' : i === 0 ? 'Outer' : 'Inner', options),
    );
  return out;
}

function spreadJson(s: Spread): Json {
  return { Min: s.min, Avg: s.avg, Max: s.max, Total: s.total };
}

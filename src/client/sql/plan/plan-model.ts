/** A plan as EXPLAIN (ANALYZE, FORMAT JSON) gives it, of mpp or of PostgreSQL, in one shape. */

export type SegmentValue = { readonly segment: number; readonly value: number };

export type PlanNode = {
  readonly label: string;
  /** Conditions and keys, by name. */
  readonly properties: readonly (readonly [string, string])[];
  readonly slice: number | undefined;
  readonly rowsPlanned: number | undefined;
  readonly rows: number | undefined;
  /** PostgreSQL: spent in this node itself. mpp: in the pipelines that its rows pass through. */
  readonly ms: number | undefined;
  readonly rowsBySegment: readonly SegmentValue[];
  readonly children: readonly PlanNode[];
};

export type PipelineTimes = {
  readonly label: string;
  readonly ms: number;
  readonly bySegment: readonly SegmentValue[];
};

export type SliceTimes = {
  readonly slice: number;
  readonly segments: readonly {
    readonly segment: number;
    readonly ms: number;
    readonly compileMs: number;
    readonly memoryBytes: number;
  }[];
  readonly pipelines: readonly PipelineTimes[];
};

export type Plan = {
  readonly root: PlanNode;
  readonly slices: readonly SliceTimes[];
  readonly planningMs: number | undefined;
  readonly executionMs: number | undefined;
};

type Json = { readonly [key: string]: unknown };

function number(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined;
}

function objects(value: unknown): readonly Json[] {
  return Array.isArray(value) ? value.filter((v): v is Json => typeof v === 'object' && v !== null) : [];
}

function maxOf(spread: unknown): number {
  return typeof spread === 'object' && spread !== null ? (number((spread as Json).Max) ?? 0) : 0;
}

/** What is shown by itself, or means nothing to a reader. */
const NOT_PROPERTIES =
  /^(Node Type|Parent Relationship|Slice|Node|Plans|Startup Cost|Total Cost|Plan Rows|Plan Width|Actual .*|Rows by Segment|Parallel Aware|Async Capable|Relation Name|Alias|Schema|Join Type|Output|Workers.*|Inner Unique|Partial Mode|Strategy|Index Name|Scan Direction|.*Blocks|CTE Name|Command|Operation)$/;

/** Throws where the text is no plan. */
export function parsePlan(text: string): Plan {
  const [top] = objects(JSON.parse(text));
  const plan = top?.Plan;
  if (top === undefined || typeof plan !== 'object' || plan === null)
    throw new Error('the server sent no plan in JSON');
  const slices = objects(top.Slices).map(sliceTimes);
  const nodeMs = new Map<string, number>();
  for (const s of objects(top.Slices))
    for (const p of objects(s.Pipelines))
      for (const node of Array.isArray(p.Nodes) ? p.Nodes : []) {
        const key = `${String(s.Slice)}/${String(node)}`;
        nodeMs.set(key, (nodeMs.get(key) ?? 0) + maxOf(p.Time));
      }
  return {
    root: planNode(plan as Json, nodeMs),
    slices,
    planningMs: number(top['Planning Time']),
    executionMs: number(top['Execution Time']),
  };
}

function sliceTimes(s: Json): SliceTimes {
  return {
    slice: number(s.Slice) ?? 0,
    segments: objects(s.Segments).map((e) => ({
      segment: number(e.Segment) ?? 0,
      ms: number(e['Total Time']) ?? 0,
      compileMs: number(e['Compile Time']) ?? 0,
      memoryBytes: number(e['Peak Memory']) ?? 0,
    })),
    pipelines: objects(s.Pipelines).map((p) => ({
      label: String(p.Label ?? ''),
      ms: maxOf(p.Time),
      bySegment: objects(p['Time by Segment']).map((e) => ({
        segment: number(e.Segment) ?? 0,
        value: number(e.Time) ?? 0,
      })),
    })),
  };
}

function labelOf(n: Json): string {
  let label = String(n['Node Type'] ?? '?');
  const join = n['Join Type'];
  if (typeof join === 'string' && join !== 'Inner' && !label.includes(join)) label += ` (${join})`;
  const relation = n['Relation Name'] ?? n['CTE Name'] ?? n['Index Name'];
  if (typeof relation === 'string') label += ` on ${relation}`;
  if (typeof n.Alias === 'string' && n.Alias !== relation) label += ` ${n.Alias}`;
  return label;
}

function propertyText(value: unknown): string {
  if (Array.isArray(value)) return value.map(propertyText).join(', ');
  if (typeof value === 'object' && value !== null)
    return Object.entries(value)
      .map(([k, v]) => `${k}: ${propertyText(v)}`)
      .join('; ');
  return String(value);
}

function planNode(n: Json, nodeMs: ReadonlyMap<string, number>): PlanNode {
  const children = objects(n.Plans).map((c) => planNode(c, nodeMs));
  const loops = number(n['Actual Loops']) ?? 1;
  const total = number(n['Actual Total Time']);
  let ms = nodeMs.get(`${String(n.Slice)}/${String(n.Node)}`);
  let rows = number(n['Actual Rows']);
  if (total !== undefined) {
    // Times and rows are of one loop there; times include the inputs'.
    const inputs = objects(n.Plans).reduce(
      (sum, c) => sum + (number(c['Actual Total Time']) ?? 0) * (number(c['Actual Loops']) ?? 1),
      0,
    );
    ms = Math.max(0, total * loops - inputs);
    if (rows !== undefined) rows *= loops;
  }
  return {
    label: labelOf(n),
    properties: Object.entries(n)
      .filter(([k, v]) => !NOT_PROPERTIES.test(k) && v !== null)
      .map(([k, v]) => [k, propertyText(v)] as const),
    slice: number(n.Slice),
    rowsPlanned: number(n['Plan Rows']),
    rows,
    ms,
    rowsBySegment: objects(n['Rows by Segment']).map((s) => ({
      segment: number(s.Segment) ?? 0,
      value: number(s.Rows) ?? 0,
    })),
    children,
  };
}

export function allNodes(root: PlanNode): readonly PlanNode[] {
  return [root, ...root.children.flatMap(allNodes)];
}

/** Far more rows on one segment than on the others. */
export function skewedSegment(node: PlanNode): number | undefined {
  const values = node.rowsBySegment;
  if (values.length < 2) return undefined;
  const sum = values.reduce((a, v) => a + v.value, 0);
  const most = values.reduce((a, b) => (b.value > a.value ? b : a));
  const average = sum / values.length;
  return most.value >= average * 1.5 && most.value - average >= 1000 ? most.segment : undefined;
}

/** Subplans that occur more than once in a statement, equal but for the ids and names of their columns.
 *
 *  A WITH query or a view that is read twice and was put in place twice; a HAVING that computes the same join again
 *  (TPC-H Q11 and Q15). Owns: finding them, after predicates have sunk and before columns are pruned, and sharing one.
 *  Whether that pays is for the search to say (`plan.ts`). Largest first: nothing inside one is looked at. Never with volatile
 *  functions: those must differ. Source: common subexpression elimination as in SCOPE (Silva et al., ICDE 2012). */
import type { ColId, SharedId } from '../../types/ids.js';
import type { Estimator } from '../cost/derive.js';
import { isVolatile } from '../expr-util.js';
import { sharedScan } from '../logical/builders.js';
import type { LogicalPlan, SharedPlan } from '../logical/nodes.js';
import {
  exprsOf,
  freshCopy,
  inputsOf,
  sharedIdFrom,
  sharedScans,
  somePlanExpr,
  withInputs,
} from '../logical/transform.js';
import type { Rewritten, RulesEnv, Shared } from './apply-rules.js';

/** Occurrences of one subplan: nodes of the statement's plans. */
export type CommonSubplan = readonly LogicalPlan[];

export function commonSubplans(query: Rewritten): readonly CommonSubplan[] {
  const plans = plansOf(query);
  const shapes = new Shapes();
  for (const p of plans) shapes.add(p);
  if (!shapes.repeated) return [];
  const groups = new Map<string, LogicalPlan[]>();
  const visit = (p: LogicalPlan): void => {
    if (shapes.isRepeated(p) && !somePlanExpr(p, isVolatile)) {
      const key = canonical(p);
      const others = groups.get(key);
      if (others === undefined) groups.set(key, [p]);
      else others.push(p);
    }
    for (const i of inputsOf(p)) visit(i);
  };
  for (const p of plans) visit(p);
  const equal = new Map<LogicalPlan, LogicalPlan[]>();
  for (const g of groups.values()) if (g.length > 1) for (const p of g) equal.set(p, g);
  const found = new Set<LogicalPlan[]>();
  const largest = (p: LogicalPlan): void => {
    const group = equal.get(p);
    if (group !== undefined) found.add(group);
    else for (const i of inputsOf(p)) largest(i);
  };
  for (const p of plans) largest(p);
  return [...found];
}

/** The work of a subplan, in rows that its nodes take in. */
export function rowsProcessed(plan: LogicalPlan, estimator: Estimator): number {
  let rows = plan.kind === 'scan' ? estimator.of(plan).rows : 0;
  for (const i of inputsOf(plan)) rows += estimator.of(i).rows + rowsProcessed(i, estimator);
  return rows;
}

/** The statement with the occurrences reading one shared plan. */
export function shareSubplan(query: Rewritten, occurrences: CommonSubplan, env: RulesEnv): Rewritten {
  const { plan } = freshCopy(occurrences[0], env.freshColId);
  const id = sharedIdFrom(env.freshColId);
  const shared: SharedPlan = { id, name: undefined, plan, materialized: 'default' };
  env.estimator.shared.set(id, plan);
  const replace = (p: LogicalPlan): LogicalPlan =>
    occurrences.includes(p) ? sharedScan(shared, p.cols) : withInputs(p, inputsOf(p).map(replace));
  const root = replace(query.root);
  env.trace?.('ShareCommonSubplans', query.root, root);
  const plans = new Map<SharedId, Shared>([[id, { shared, plan }]]);
  for (const [other, s] of query.shared) {
    const next = replace(s.plan);
    env.estimator.shared.set(other, next);
    plans.set(other, { ...s, plan: next });
  }
  return { root, shared: inOrder(root, plans) };
}

function plansOf(query: Rewritten): readonly LogicalPlan[] {
  return [query.root, ...[...query.shared.values()].map((s) => s.plan)];
}

/** Each shared plan after those that it reads. */
function inOrder(root: LogicalPlan, plans: ReadonlyMap<SharedId, Shared>): ReadonlyMap<SharedId, Shared> {
  const ordered = new Map<SharedId, Shared>();
  const visit = (p: LogicalPlan): void => {
    for (const { shared } of sharedScans(p)) {
      const s = plans.get(shared.id);
      if (s === undefined || ordered.has(shared.id)) continue;
      visit(s.plan);
      ordered.set(shared.id, s);
    }
  };
  visit(root);
  return ordered;
}

/** Numbers for the coarse shapes of subplans, cheap to compare; only what has an equal here is looked at closely. */
class Shapes {
  private readonly numbers = new Map<string, number>();
  private readonly of = new Map<LogicalPlan, number>();
  private readonly counts: number[] = [];
  /** Worth sharing at all: more than a filtered table. */
  private readonly heavy = new Set<LogicalPlan>();

  add(p: LogicalPlan): number {
    const inputs = inputsOf(p).map((i) => this.add(i));
    const text = `${outline(p)}(${inputs.join()})`;
    let n = this.numbers.get(text);
    if (n === undefined) {
      n = this.counts.push(0) - 1;
      this.numbers.set(text, n);
    }
    this.counts[n]++;
    this.of.set(p, n);
    if (isHeavy(p) || inputsOf(p).some((i) => this.heavy.has(i))) this.heavy.add(p);
    return n;
  }

  isRepeated(p: LogicalPlan): boolean {
    return this.heavy.has(p) && this.counts[this.of.get(p) ?? 0] > 1;
  }

  get repeated(): boolean {
    for (const p of this.heavy) if (this.isRepeated(p)) return true;
    return false;
  }
}

function isHeavy(p: LogicalPlan): boolean {
  return p.kind === 'join' || p.kind === 'aggregate' || p.kind === 'distinctOn';
}

function outline(p: LogicalPlan): string {
  const size = `${p.kind} ${p.cols.length} ${exprsOf(p).length}`;
  if (p.kind === 'scan') return `${size} ${p.table.schema}.${p.table.name}`;
  if (p.kind === 'shared') return `${size} ${p.shared.id}`;
  return p.kind === 'join' ? `${size} ${p.type}` : size;
}

/** Equal for plans that differ in ids and names of columns only. */
function canonical(p: LogicalPlan): string {
  let last = 0;
  const { plan } = freshCopy(p, () => ++last as ColId);
  return JSON.stringify(plan, (key, value: unknown) => {
    if (typeof value === 'bigint') return `${value}n`;
    if (typeof value === 'number' && (!Number.isFinite(value) || Object.is(value, -0)))
      return Object.is(value, -0) ? '-0' : `${value}`;
    if (typeof value !== 'object' || value === null) return key === 'alias' ? '' : value;
    if (key === 'table' && 'schema' in value && 'name' in value) return `${value.schema}.${value.name}`;
    if (key === 'shared' && 'id' in value) return value.id;
    // A column.
    if ('id' in value && 'nullable' in value && 'name' in value) return { ...value, name: '' };
    return value;
  });
}

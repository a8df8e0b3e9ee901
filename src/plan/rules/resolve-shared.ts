/** Which WITH queries are computed once for all of their readers, and which are part of the query that reads them.
 *
 *  Once: MATERIALIZED; volatile functions, unless the only reader reads once; and queries that are read more than once
 *  although their rows may differ from run to run. The others become part of each reader, where predicates reach them;
 *  what stays equal after that may be shared again (`share-common-subplans.ts`). One that reads columns of a query around
 *  it is computed once for each of their values, and only where it must be: `Decorrelate` turns it into a plan with these
 *  columns, and its readers into joins on them. Inner queries are decided before those
 *  that read them, and readers are counted as they are written, as in PostgreSQL (inline_cte, subselect.c), whose
 *  MATERIALIZED and NOT MATERIALIZED these are. */
import type { ColId, SharedId } from '../../types/ids.js';
import { isVolatile } from '../expr-util.js';
import { mapExpr, walkExpr } from '../expr-walk.js';
import type { LogicalPlan, SharedPlan, SharedScan } from '../logical/nodes.js';
import { unrepeatable } from '../logical/repeatable.js';
import {
  exprsOf,
  freshCopy,
  inputsOf,
  isDependent,
  renameColumns,
  sharedPlansOf,
  sharedScans,
  somePlanExpr,
  transformPlan,
  withExprs,
} from '../logical/transform.js';

/** The plan with some of its shared plans put in place; those that its shared scans still name are decided. */
export function resolveShared(plan: LogicalPlan, freshColId: () => ColId): LogicalPlan {
  const shared = sharedPlansOf([plan]);
  if (shared.length === 0) return plan;
  const uses = countUses([plan, ...shared.map((s) => s.plan)]);
  const decided = new Map<SharedId, (scan: SharedScan) => LogicalPlan>();
  const settle = (p: LogicalPlan): LogicalPlan =>
    replaceScans(p, (scan) => decided.get(scan.shared.id)?.(scan) ?? scan);
  for (const s of shared) {
    const own = settle(s.plan);
    const use = uses.get(s.id) ?? { count: 0, repeated: false };
    if (isOnce(s, own, use)) {
      const kept: SharedPlan = { ...s, plan: own };
      decided.set(s.id, (scan) => ({ ...scan, shared: kept }));
    } else {
      let taken = false;
      decided.set(s.id, (scan) => {
        const copy = taken ? freshCopy(own, freshColId).plan : own;
        taken = true;
        const outputs = copy.cols.map((c, i) => [c.id, scan.cols[i].id] as const);
        return renameColumns(copy, new Map(outputs));
      });
    }
  }
  return settle(plan);
}

type Uses = { count: number; repeated: boolean };

function isOnce(s: SharedPlan, plan: LogicalPlan, uses: Uses): boolean {
  if (s.materialized === 'always' && !isDependent(s)) return true;
  if (somePlanExpr(plan, isVolatile)) return uses.count > 1 || uses.repeated;
  return s.materialized !== 'never' && uses.count > 1 && unrepeatable(plan) !== undefined;
}

/** Readers of each shared plan; `repeated`: one of them is in a subquery or a lateral item, which may run many times. */
function countUses(plans: readonly LogicalPlan[]): ReadonlyMap<SharedId, Uses> {
  const uses = new Map<SharedId, Uses>();
  const visit = (p: LogicalPlan, repeated: boolean): void => {
    if (p.kind === 'shared') {
      const u = uses.get(p.shared.id) ?? { count: 0, repeated: false };
      uses.set(p.shared.id, { count: u.count + 1, repeated: u.repeated || repeated });
    }
    for (const e of exprsOf(p))
      walkExpr(e, (x) => {
        if (x.kind === 'subquery') visit(x.plan, true);
      });
    for (const [k, i] of inputsOf(p).entries())
      visit(i, repeated || (p.kind === 'join' && p.lateral && k === 1));
  };
  for (const p of plans) visit(p, false);
  return uses;
}

/** Also inside subqueries. What comes in is not looked at again. */
export function replaceScans(plan: LogicalPlan, by: (scan: SharedScan) => LogicalPlan): LogicalPlan {
  if (sharedScans(plan).length === 0) return plan;
  return transformPlan(plan, (p) =>
    p.kind === 'shared'
      ? by(p)
      : withExprs(p, (e) =>
          mapExpr(e, (x) => (x.kind === 'subquery' ? { ...x, plan: replaceScans(x.plan, by) } : x)),
        ),
  );
}

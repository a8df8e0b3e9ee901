/** UNION, INTERSECT, EXCEPT: arms bound apart, columns unified pairwise, as PostgreSQL does.
 *
 *  UNION without ALL is a grouping of a UNION ALL; INTERSECT and EXCEPT keep their own nodes. */
import type { Node, SelectStmt } from 'libpg-query';
import { type SqlType, sameType, TEXT } from '../../types/sql-type.js';
import type { Column, Expr } from '../expr.js';
import { col, exprType } from '../expr-util.js';
import { aggregate, project, setOp } from '../logical/builders.js';
import type { LogicalPlan } from '../logical/nodes.js';
import { locationOf } from './ast.js';
import { coerceTo, unify } from './coerce.js';
import type { Binding, BoundQuery } from './level.js';
import { bare } from './type-family.js';

const WORDS = {
  SETOP_UNION: 'UNION',
  SETOP_INTERSECT: 'INTERSECT',
  SETOP_EXCEPT: 'EXCEPT',
  SETOP_NONE: '',
} as const;

export function bindSetOperation(b: Binding, s: SelectStmt): BoundQuery {
  const { ctx } = b;
  const word = WORDS[s.op ?? 'SETOP_NONE'];
  if (s.larg === undefined || s.rarg === undefined) throw new Error('a set operation lacks an arm');
  const left = bindArm(b, s.larg);
  const right = bindArm(b, s.rarg);
  if (left.plan.cols.length !== right.plan.cols.length)
    throw ctx.error(
      '42601',
      `each ${word} query must have the same number of columns`,
      locationOf(firstTarget(s.rarg)),
    );
  const width = left.plan.cols.length;
  const leftOut: Expr[] = [];
  const rightOut: Expr[] = [];
  let l = left.plan;
  let r = right.plan;
  for (let i = 0; i < width; i++) {
    // Literals of unknown type in an arm take the other arm's type; they are retyped where they stand.
    const lt = l.cols[i].type;
    const rt = r.cols[i].type;
    if (lt.kind === 'unknown') l = retypeUnknown(b, l, i, rt.kind === 'unknown' ? TEXT : bare(rt));
    if (rt.kind === 'unknown') r = retypeUnknown(b, r, i, lt.kind === 'unknown' ? TEXT : bare(lt));
    const at = locationOf(targetAt(s.rarg, i));
    const u = unify(
      ctx,
      [col(l.cols[i]), col(r.cols[i])],
      word,
      [locationOf(targetAt(s.larg, i)), at],
      false,
    );
    leftOut.push(u.exprs[0]);
    rightOut.push(u.exprs[1]);
  }
  l = castColumns(b, l, leftOut);
  r = castColumns(b, r, rightOut);
  const op = s.op === 'SETOP_INTERSECT' ? 'intersect' : s.op === 'SETOP_EXCEPT' ? 'except' : 'union';
  const all = s.all === true;
  const cols = l.cols.map((c, i): Column => {
    const other = r.cols[i].nullable;
    const nullable = op === 'union' ? c.nullable || other : c.nullable;
    return ctx.column(left.names[i], c.type, nullable);
  });
  if (op !== 'union') return { plan: setOp(op, all, [l, r], cols), names: left.names };
  const inputs = [...flatten(l), ...flatten(r)];
  const union = setOp('union', true, inputs, cols);
  return { plan: all ? union : aggregate(union, cols, []), names: left.names };
}

function bindArm(b: Binding, s: SelectStmt): BoundQuery {
  const { level } = b;
  // Arms see what the operation sees: the outer levels and this level's CTEs, but no siblings.
  return b.bindQuery(s, level.parent, { keepUnknown: true, ctes: level.ctes });
}

/** UNION ALL of UNION ALL is one. */
function flatten(p: LogicalPlan): readonly LogicalPlan[] {
  return p.kind === 'setop' &&
    p.op === 'union' &&
    p.all &&
    p.inputs.every((x, i) => sameColumns(x.cols, p.inputCols[i]))
    ? p.inputs
    : [p];
}

function sameColumns(a: readonly Column[], b: readonly Column[]): boolean {
  return a.length === b.length && a.every((c, i) => c.id === b[i].id);
}

function targetAt(s: SelectStmt, i: number): Node | undefined {
  let arm = s;
  while (arm.larg !== undefined) arm = arm.larg;
  if (arm.targetList !== undefined) return arm.targetList[i];
  const [row] = arm.valuesLists ?? [];
  return row !== undefined && 'List' in row ? row.List.items?.[i] : undefined;
}

function firstTarget(s: SelectStmt): Node | undefined {
  return targetAt(s, 0);
}

function castColumns(b: Binding, p: LogicalPlan, out: readonly Expr[]): LogicalPlan {
  if (out.every((e, i) => e.kind === 'col' && e.id === p.cols[i].id && sameType(e.type, p.cols[i].type)))
    return p;
  const cols = out.map((e, i) =>
    e.kind === 'col' && e.id === p.cols[i].id
      ? p.cols[i]
      : b.ctx.column(p.cols[i].name, exprType(e), p.cols[i].nullable),
  );
  return project(p, out, cols);
}

/** Gives an output column of unknown type its type, at the literals it comes from. */
export function retypeUnknown(b: Binding, p: LogicalPlan, index: number, type: SqlType): LogicalPlan {
  const id = p.cols[index].id;
  const go = (n: LogicalPlan): LogicalPlan => {
    const i = n.cols.findIndex((c) => c.id === id);
    if (i < 0) return n;
    switch (n.kind) {
      case 'project':
      case 'values': {
        const input = n.kind === 'project' && n.input.cols.some((c) => c.id === id) ? go(n.input) : undefined;
        const convert = (e: Expr): Expr =>
          e.kind === 'col' && input !== undefined ? { ...e, type: actual } : coerceTo(b.ctx, e, type);
        const sample = input?.cols.find((c) => c.id === id)?.type;
        let actual: SqlType = sample ?? type;
        const rows = n.kind === 'project' ? [n.exprs] : n.rows;
        const next = rows.map((row) => row.map((e, k) => (k === i ? convert(e) : e)));
        if (sample === undefined && next.length > 0)
          actual = next.length === 1 ? exprType(next[0][i]) : ({ kind: type.kind } as SqlType);
        const cols = n.cols.map((c, k) => (k === i ? { ...c, type: actual } : c));
        if (n.kind === 'project') return project(input ?? n.input, next[0], cols);
        return { ...n, rows: next, cols };
      }
      case 'sort':
      case 'limit':
      case 'filter':
      case 'distinctOn': {
        const input = go(n.input);
        return { ...n, input, cols: input.cols } as LogicalPlan;
      }
      default:
        return n;
    }
  };
  return go(p);
}

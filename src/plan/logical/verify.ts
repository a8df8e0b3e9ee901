/** Checks the invariants of a logical plan, after binding and (in tests) after every rule.
 *
 *  A violation is our bug, so it throws a plain Error with the node. What is checked: ids are unique per producer,
 *  every column read is produced below or free from outside, columns read have the producer's type, widths match,
 *  predicates are boolean, both sides of comparisons and all branches have one type kind, nothing is `unknown`. */
import type { ColId } from '../../types/ids.js';
import { type SqlType, sameType, typeName } from '../../types/sql-type.js';
import { valueType } from '../catalog.js';
import type { Column, Expr } from '../expr.js';
import { exprNullable, exprType, walkExpr } from '../expr-util.js';
import { joinCols } from './builders.js';
import type { LogicalPlan, SharedScan } from './nodes.js';
import { printLogical } from './print.js';
import { exprsOf, inputsOf } from './transform.js';

export type VerifyOptions = {
  /** No `subquery` expressions, no lateral joins, no outer references: what decorrelation leaves. */
  readonly decorrelated?: boolean;
};

type Scope = ReadonlyMap<ColId, Column>;

export function verifyLogical(plan: LogicalPlan, options: VerifyOptions = {}): void {
  const problems: string[] = [];
  const seen = new Map<ColId, string>();
  verifyNode(plan, new Map(), seen, options, problems);
  if (problems.length > 0) throw new Error(`invalid plan: ${problems.join('; ')}\n${printLogical(plan)}`);
}

function verifyNode(
  plan: LogicalPlan,
  outer: Scope,
  seen: Map<ColId, string>,
  options: VerifyOptions,
  problems: string[],
): void {
  const bad = (what: string): void => {
    problems.push(`${plan.kind}: ${what}`);
  };
  if (plan.kind === 'join') {
    verifyNode(plan.left, outer, seen, options, problems);
    if (plan.lateral && options.decorrelated === true) bad('lateral join left over');
    verifyNode(plan.right, plan.lateral ? extend(outer, plan.left.cols) : outer, seen, options, problems);
  } else for (const p of inputsOf(plan)) verifyNode(p, outer, seen, options, problems);

  const inner = new Map<ColId, Column>();
  for (const p of inputsOf(plan))
    for (const c of p.cols) {
      if (inner.has(c.id)) bad(`two inputs produce ${show(c)}`);
      inner.set(c.id, c);
    }
  const scope = new Map([...outer, ...inner]);
  for (const e of exprsOf(plan)) verifyExpr(e, scope, seen, options, problems, bad);

  const distinctIds = new Set(plan.cols.map((c) => c.id));
  if (distinctIds.size !== plan.cols.length) bad('a column is listed twice');
  for (const c of plan.cols) if (c.type.kind === 'unknown') bad(`${show(c)} has type unknown`);
  for (const c of plan.cols) {
    if (inner.has(c.id)) continue;
    const producer = seen.get(c.id);
    if (producer !== undefined) bad(`${show(c)} is produced by ${producer} too`);
    seen.set(c.id, plan.kind);
  }

  const passes = (c: Column): void => {
    const from = inner.get(c.id);
    if (from === undefined) bad(`${show(c)} does not come from the input`);
    else if (!sameType(from.type, c.type)) bad(`${show(c)} is ${typeName(from.type)} below`);
    else if (from.nullable && !c.nullable) bad(`${show(c)} is nullable below`);
  };
  const boolean = (e: Expr | undefined): void => {
    if (e !== undefined && exprType(e).kind !== 'bool') bad(`predicate is ${typeName(exprType(e))}`);
  };
  switch (plan.kind) {
    case 'scan':
      if (plan.ordinals.length !== plan.cols.length) bad('ordinals and columns differ in number');
      for (const [i, o] of plan.ordinals.entries()) {
        const type = valueType(plan.table, o);
        if (type === undefined) bad(`no column ${o} in ${plan.table.name}`);
        else if (!sameType(type, plan.cols[i].type))
          bad(`${show(plan.cols[i])} is ${typeName(type)} in the table`);
      }
      break;
    case 'shared':
      verifySharedScan(plan, outer, seen, options, problems, bad);
      break;
    case 'values':
      for (const row of plan.rows) verifyRow(row, plan.cols, bad);
      break;
    case 'project':
      verifyRow(plan.exprs, plan.cols, bad);
      for (const [i, e] of plan.exprs.entries()) {
        const c = plan.cols[i];
        if (inner.has(c.id) && !(e.kind === 'col' && e.id === c.id)) bad(`${show(c)} is redefined`);
      }
      break;
    case 'filter':
      boolean(plan.predicate);
      break;
    case 'join': {
      boolean(plan.predicate);
      if ((plan.type === 'mark') !== (plan.mark !== undefined)) bad('mark column and join type disagree');
      const want = joinCols(plan.type, plan.left.cols, plan.right.cols, plan.mark);
      if (want.length !== plan.cols.length || want.some((c, i) => c.id !== plan.cols[i].id))
        bad('columns are not those of its sides');
      else
        for (const [i, c] of want.entries())
          if (c.nullable && !plan.cols[i].nullable) bad(`${show(c)} may be null`);
      break;
    }
    case 'aggregate':
      for (const g of plan.groups) passes(g);
      if (plan.cols.length !== plan.groups.length + plan.aggs.length)
        bad('columns are not groups then aggregates');
      for (const a of plan.aggs) {
        boolean(a.filter);
        if (a.args.some((x) => exprType(x).kind === 'unknown')) bad(`${show(a.out)} has an untyped argument`);
      }
      break;
    case 'distinctOn':
      for (const k of plan.keys) passes(k);
      for (const c of plan.cols) passes(c);
      break;
    case 'sort':
    case 'limit':
      for (const c of plan.cols) passes(c);
      break;
    case 'setop':
      for (const [k, cols] of plan.inputCols.entries()) {
        if (cols.length !== plan.cols.length) bad(`input ${k} has ${cols.length} columns`);
        for (const [i, c] of cols.entries()) {
          if (!plan.inputs[k].cols.some((x) => x.id === c.id))
            bad(`${show(c)} does not come from input ${k}`);
          const out = plan.cols[i];
          if (out !== undefined && !sameType(out.type, c.type))
            bad(`${show(c)} is ${typeName(c.type)}, not ${typeName(out.type)}`);
          if (out !== undefined && c.nullable && !out.nullable && !(plan.op !== 'union' && k > 0))
            bad(`${show(out)} may be null`);
        }
      }
      break;
    case 'repeat':
      if (exprType(plan.count).kind !== 'int8') bad('count is not bigint');
      break;
  }
}

/** The shared plan itself, once; it may read what is visible to its readers until decorrelation is done. */
function verifySharedScan(
  plan: SharedScan,
  outer: Scope,
  seen: Map<ColId, string>,
  options: VerifyOptions,
  problems: string[],
  bad: (what: string) => void,
): void {
  if (plan.from.length !== plan.cols.length) bad('columns and their sources differ in number');
  const { cols } = plan.shared.plan;
  for (const [i, id] of plan.from.entries()) {
    const from = cols.find((c) => c.id === id);
    const out = plan.cols[i];
    if (from === undefined) bad(`column #${id} does not come from shared plan ${plan.shared.id}`);
    else if (out !== undefined && !sameType(from.type, out.type))
      bad(`${show(out)} is ${typeName(from.type)} in shared plan ${plan.shared.id}`);
    else if (out !== undefined && from.nullable && !out.nullable) bad(`${show(out)} may be null`);
  }
  if (cols.some((c) => seen.has(c.id))) return;
  verifyNode(plan.shared.plan, options.decorrelated === true ? new Map() : outer, seen, options, problems);
}

function verifyRow(row: readonly Expr[], cols: readonly Column[], bad: (what: string) => void): void {
  if (row.length !== cols.length) {
    bad(`${row.length} expressions for ${cols.length} columns`);
    return;
  }
  for (const [i, e] of row.entries()) {
    const t = exprType(e);
    if (!sameType(t, cols[i].type) && !isNull(e, cols[i].type))
      bad(`${show(cols[i])} is computed as ${typeName(t)}`);
    if (exprNullable(e) && !cols[i].nullable) bad(`${show(cols[i])} may be null`);
  }
}

function isNull(e: Expr, type: SqlType): boolean {
  return e.kind === 'const' && e.value === null && e.type.kind === type.kind;
}

function verifyExpr(
  root: Expr,
  scope: Scope,
  seen: Map<ColId, string>,
  options: VerifyOptions,
  problems: string[],
  bad: (what: string) => void,
): void {
  walkExpr(root, (e) => {
    if (exprType(e).kind === 'unknown') bad('an expression has type unknown');
    switch (e.kind) {
      case 'col': {
        const c = scope.get(e.id);
        if (c === undefined) bad(`column #${e.id} is not in scope`);
        else if (!sameType(c.type, e.type))
          bad(`${show(c)} is read as ${typeName(e.type)}, produced as ${typeName(c.type)}`);
        else if (c.nullable && !e.nullable) bad(`${show(c)} is read as not nullable`);
        break;
      }
      case 'cmp':
      case 'distinct':
        if (exprType(e.left).kind !== exprType(e.right).kind)
          bad(`${typeName(exprType(e.left))} compared with ${typeName(exprType(e.right))}`);
        break;
      case 'in':
        for (const x of e.list)
          if (exprType(x).kind !== exprType(e.arg).kind)
            bad(`${typeName(exprType(e.arg))} IN ${typeName(exprType(x))}`);
        break;
      case 'case':
        for (const w of e.whens) {
          if (exprType(w.when).kind !== 'bool') bad('CASE condition is not boolean');
          if (exprType(w.then).kind !== e.type.kind)
            bad(`CASE branch is ${typeName(exprType(w.then))}, not ${typeName(e.type)}`);
        }
        if (e.otherwise !== undefined && exprType(e.otherwise).kind !== e.type.kind)
          bad(`ELSE is ${typeName(exprType(e.otherwise))}, not ${typeName(e.type)}`);
        break;
      case 'coalesce':
      case 'greatest':
      case 'least':
        for (const x of e.args)
          if (exprType(x).kind !== e.type.kind)
            bad(`${e.kind} of ${typeName(exprType(x))} and ${typeName(e.type)}`);
        break;
      case 'and':
      case 'or':
        for (const x of e.args) if (exprType(x).kind !== 'bool') bad(`${e.kind} of ${typeName(exprType(x))}`);
        break;
      case 'subquery':
        if (options.decorrelated === true) bad('subquery left over');
        verifyNode(e.plan, scope, seen, options, problems);
        for (const [i, x] of e.left.entries()) {
          const c = e.plan.cols[i];
          if (c === undefined || c.type.kind !== exprType(x).kind)
            bad('subquery columns do not match its left side');
        }
        break;
    }
  });
}

function extend(scope: Scope, cols: readonly Column[]): Scope {
  return new Map([...scope, ...cols.map((c) => [c.id, c] as const)]);
}

function show(c: Column): string {
  return `${c.name}#${c.id}`;
}

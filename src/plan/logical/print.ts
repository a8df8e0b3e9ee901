/** A logical plan as indented text: one line a node, inputs below it, subqueries as `SubPlan n` at the end.
 *
 *  For goldens and for people who debug a rule; EXPLAIN prints physical plans. */
import type { ColId, SharedId } from '../../types/ids.js';
import { unreachable } from '../../types/sql-error.js';
import { typeName } from '../../types/sql-type.js';
import type { AggCall, Column, Expr } from '../expr.js';
import { type ExprPrinter, printExpr, printSortKey } from '../expr-print.js';
import { walkExpr } from '../expr-walk.js';
import type { JoinType, LogicalPlan, RunRows } from './nodes.js';
import { exprsOf, inputsOf, walkPlan } from './transform.js';

export function printLogical(plan: LogicalPlan): string {
  return new PlanText().print(plan);
}

const JOIN_NAME: Record<JoinType, string> = {
  inner: 'Join',
  left: 'Left Join',
  right: 'Right Join',
  full: 'Full Join',
  semi: 'Semi Join',
  anti: 'Anti Join',
  mark: 'Mark Join',
  single: 'Single Join',
};

class PlanText {
  private readonly names = new Map<ColId, string>();
  private readonly subplans: LogicalPlan[] = [];
  private readonly shared = new Map<SharedId, LogicalPlan>();
  private readonly printer: ExprPrinter = {
    column: (id) => `${this.names.get(id) ?? '?'}#${id}`,
    subquery: (plan) => {
      let at = this.subplans.indexOf(plan);
      if (at < 0) at = this.subplans.push(plan) - 1;
      return `SubPlan ${at + 1}`;
    },
  };

  print(plan: LogicalPlan): string {
    this.learn(plan);
    const lines: string[] = [];
    this.node(plan, 0, lines);
    for (const [id, p] of this.shared) {
      lines.push(`Shared ${id}`);
      this.node(p, 1, lines);
    }
    for (let i = 0; i < this.subplans.length; i++) {
      lines.push(`SubPlan ${i + 1}`);
      this.node(this.subplans[i], 1, lines);
    }
    return lines.join('\n');
  }

  private runRows(rows: RunRows | undefined): string {
    if (rows === undefined) return '';
    const e = (x: Expr): string => printExpr(x, this.printer);
    const limit = rows.limit === undefined ? '' : ` LIMIT ${e(rows.limit)}`;
    const offset = rows.offset === undefined ? '' : ` OFFSET ${e(rows.offset)}`;
    return `${limit}${offset}${rows.ties ? ' WITH TIES' : ''}`;
  }

  private learn(plan: LogicalPlan): void {
    walkPlan(plan, (p) => {
      for (const c of p.cols) this.names.set(c.id, c.name);
      if (p.kind === 'shared' && !this.shared.has(p.shared.id)) {
        this.shared.set(p.shared.id, p.shared.plan);
        this.learn(p.shared.plan);
      }
      for (const e of exprsOf(p))
        walkExpr(e, (x) => {
          if (x.kind === 'subquery') this.learn(x.plan);
        });
    });
  }

  private node(plan: LogicalPlan, depth: number, lines: string[]): void {
    lines.push(`${'  '.repeat(depth)}${this.line(plan)}`);
    for (const p of inputsOf(plan)) this.node(p, depth + 1, lines);
  }

  private line(plan: LogicalPlan): string {
    const e = (x: Expr): string => printExpr(x, this.printer);
    switch (plan.kind) {
      case 'scan': {
        const alias = plan.alias === plan.table.name ? '' : ` ${plan.alias}`;
        return `Scan ${plan.table.schema}.${plan.table.name}${alias} [${this.columns(plan.cols)}]`;
      }
      case 'shared': {
        const name = plan.shared.name === undefined ? '' : ` ${plan.shared.name}`;
        const from = plan.from.map((id) => this.printer.column(id)).join(', ');
        return `SharedScan ${plan.shared.id}${name} [${this.columns(plan.cols)}] from ${from}`;
      }
      case 'values': {
        const rows = plan.rows.slice(0, 4).map((r) => `(${r.map(e).join(', ')})`);
        const more = plan.rows.length > 4 ? `, ... ${plan.rows.length} rows` : '';
        return `Values [${this.columns(plan.cols)}] ${rows.join(', ')}${more}`;
      }
      case 'filter':
        return `Filter ${e(plan.predicate)}`;
      case 'project':
        return `Project ${plan.exprs.map((x, i) => this.assignment(x, plan.cols[i])).join(', ')}`;
      case 'join': {
        const flags = `${plan.lateral ? ' lateral' : ''}${plan.nullAware ? ' null-aware' : ''}`;
        const mark = plan.mark === undefined ? '' : ` -> ${this.columns([plan.mark])}`;
        const on = plan.predicate === undefined ? '' : ` ON ${e(plan.predicate)}`;
        return `${JOIN_NAME[plan.type]}${flags}${mark}${on}`;
      }
      case 'aggregate': {
        const by =
          plan.groups.length === 0
            ? ''
            : ` BY ${plan.groups.map((g) => this.printer.column(g.id)).join(', ')}`;
        const aggs = plan.aggs.map((a) => this.agg(a)).join(', ');
        return `Aggregate${by}${aggs === '' ? '' : ` [${aggs}]`}`;
      }
      case 'sort':
        return `Sort ${plan.keys.map((k) => printSortKey(k, this.printer)).join(', ')}`;
      case 'limit': {
        const count = plan.limit === undefined ? 'ALL' : e(plan.limit);
        return `Limit ${count}${plan.offset === undefined ? '' : ` OFFSET ${e(plan.offset)}`}`;
      }
      case 'distinctOn':
        return `DistinctOn ${plan.keys.map((k) => this.printer.column(k.id)).join(', ')} ORDER BY ${plan.order.map((k) => printSortKey(k, this.printer)).join(', ')}${this.runRows(plan.rows)}`;
      case 'setop': {
        const inputs = plan.inputCols
          .map((cs) => `(${cs.map((c) => this.printer.column(c.id)).join(', ')})`)
          .join(', ');
        return `${plan.op}${plan.all ? ' all' : ''} [${this.columns(plan.cols)}] from ${inputs}`.replace(
          /^./,
          (c) => c.toUpperCase(),
        );
      }
      case 'repeat': {
        if (plan.series === undefined) return `Repeat ${e(plan.count)}`;
        const { out, start, step } = plan.series;
        return `Repeat ${e(plan.count)} -> ${this.columns([out])} = ${e(start)} step ${e(step)}`;
      }
      default:
        return unreachable(plan);
    }
  }

  private columns(cols: readonly Column[]): string {
    return cols.map((c) => `${c.name}#${c.id} ${typeName(c.type)}${c.nullable ? '' : '!'}`).join(', ');
  }

  private assignment(x: Expr, c: Column): string {
    if (x.kind === 'col' && x.id === c.id) return this.printer.column(c.id);
    return `${c.name}#${c.id} ${typeName(c.type)}${c.nullable ? '' : '!'} = ${printExpr(x, this.printer)}`;
  }

  private agg(a: AggCall): string {
    const args = a.name === 'count_star' ? '*' : a.args.map((x) => printExpr(x, this.printer)).join(', ');
    const order =
      a.orderBy.length === 0
        ? ''
        : ` ORDER BY ${a.orderBy.map((k) => printSortKey(k, this.printer)).join(', ')}`;
    const where = a.filter === undefined ? '' : ` FILTER (${printExpr(a.filter, this.printer)})`;
    const name = a.name === 'count_star' ? 'count' : a.name;
    return `${a.out.name}#${a.out.id} ${typeName(a.out.type)}${a.out.nullable ? '' : '!'} = ${name}(${a.distinct ? 'DISTINCT ' : ''}${args}${order})${where}`;
  }
}

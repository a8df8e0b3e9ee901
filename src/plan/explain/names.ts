/** Names of columns in EXPLAIN: a table's column by its name (with the table's when two tables share it), an aggregate
 *  by its call, another computed column by its name or, failing one, its expression. */
import type { ColId } from '../../types/ids.js';
import { physicalInputs } from '../distribute/physical-walk.js';
import type { AggCall, Column, Expr, SortKey } from '../expr.js';
import { type ExprPrinter, printExpr, printSortKey } from '../expr-print.js';
import type { DistributedPlan, PhysicalOp } from '../physical.js';

const NAMELESS = new Set(['?column?', 'sort key', 'key', 'distinct', 'case', 'order']);

export class Names {
  private readonly names = new Map<ColId, string>();
  private readonly printer: ExprPrinter = {
    column: (id) => this.names.get(id) ?? `#${id}`,
    subquery: () => 'SubPlan',
  };
  /** Alias of each scan, by node id. */
  readonly aliases = new Map<number, string>();

  constructor(plan: DistributedPlan) {
    const scans: { cols: readonly Column[]; alias: string }[] = [];
    const tables = new Map<string, number>();
    const note = (op: PhysicalOp, table: string, cols: readonly Column[]): void => {
      const n = tables.get(table) ?? 0;
      tables.set(table, n + 1);
      const alias = n === 0 ? table : `${table}_${n}`;
      this.aliases.set(op.id, alias);
      scans.push({ cols, alias });
    };
    const visit = (op: PhysicalOp): void => {
      if (op.kind === 'scan') note(op, op.table, op.scanCols);
      else if (op.kind === 'virtualScan') note(op, op.table, op.cols);
      else if (op.kind === 'sharedScan' && op.name !== undefined) note(op, op.name, op.cols);
      for (const i of physicalInputs(op)) visit(i);
    };
    for (const s of plan.slices) visit(s.root);
    const count = new Map<string, number>();
    for (const { cols } of scans) for (const c of cols) count.set(c.name, (count.get(c.name) ?? 0) + 1);
    for (const { cols, alias } of scans)
      for (const c of cols)
        this.names.set(c.id, (count.get(c.name) ?? 0) > 1 ? `${alias}.${c.name}` : c.name);
    // Senders come before receivers, inputs before their users: every name below is known.
    for (const s of plan.slices) this.learn(s.root, plan);
  }

  private learn(op: PhysicalOp, plan: DistributedPlan): void {
    for (const i of physicalInputs(op)) this.learn(i, plan);
    // What the optimizer shares has no names of its own.
    if (op.kind === 'sharedScan' && op.name === undefined) {
      const kept = plan.slices.find((s) => s.id === op.fromSlice)?.sink.cols ?? [];
      for (const [i, c] of op.cols.entries()) this.names.set(c.id, this.column(kept[op.ordinals[i]] ?? c));
    }
    if (op.kind === 'hashAgg') {
      for (const a of op.aggs) if (!this.names.has(a.out.id)) this.names.set(a.out.id, this.aggregate(a));
      for (const [i, states] of op.states.entries())
        for (const c of states)
          if (!this.names.has(c.id)) this.names.set(c.id, `PARTIAL ${this.aggregate(op.aggs[i])}`);
    }
    if (op.kind === 'project')
      for (const [i, c] of op.cols.entries()) {
        if (this.names.has(c.id)) continue;
        this.names.set(c.id, NAMELESS.has(c.name) ? `(${this.expr(op.exprs[i])})` : c.name);
      }
    for (const c of op.cols) if (!this.names.has(c.id)) this.names.set(c.id, c.name);
  }

  expr(e: Expr): string {
    return printExpr(e, this.printer);
  }

  list(es: readonly Expr[]): string {
    return es.map((e) => this.expr(e)).join(', ');
  }

  key(k: SortKey): string {
    return printSortKey(k, this.printer);
  }

  column(c: Column): string {
    return this.names.get(c.id) ?? c.name;
  }

  aggregate(a: AggCall): string {
    const args = a.name === 'count_star' ? '*' : this.list(a.args);
    const order = a.orderBy.length === 0 ? '' : ` ORDER BY ${a.orderBy.map((k) => this.key(k)).join(', ')}`;
    const where = a.filter === undefined ? '' : ` FILTER (WHERE ${this.expr(a.filter)})`;
    return `${a.name === 'count_star' ? 'count' : a.name}(${a.distinct ? 'DISTINCT ' : ''}${args}${order})${where}`;
  }
}

/** Keeps rows whose predicate is TRUE. */

import type { Expr } from '../../plan/expr.js';
import { columnsOf } from '../../plan/expr-util.js';
import type { FilterOp } from '../../plan/physical.js';
import { type Body, type Consumer, type Pipeline, type SliceCompiler, union } from './pipeline.js';

export function filtered(p: Pipeline, predicate: Expr, body: Body): Body {
  return {
    row() {
      p.e.emitCondition(predicate);
      p.f.if(() => p.e.scoped(body.row));
    },
    close: body.close,
  };
}

export function produceFilter(c: SliceCompiler, op: FilterOp, consumer: Consumer): void {
  c.produce(op.input, {
    needs: union(consumer.needs, columnsOf(op.predicate)),
    open(p) {
      p.labels.push('filter');
      const body = consumer.open(p);
      return filtered(p, op.predicate, body);
    },
  });
}

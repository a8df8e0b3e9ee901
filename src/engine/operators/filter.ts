/** Keeps rows whose predicate is TRUE. */

import type { Column, Expr } from '../../plan/expr.js';
import { columnsOf, conjuncts } from '../../plan/expr-util.js';
import type { FilterOp, RuntimeFilterUse } from '../../plan/physical.js';
import { openConjuncts } from './dict-filter.js';
import { type Body, type Consumer, type Pipeline, type SliceCompiler, union } from './pipeline.js';
import { openFilters } from './runtime-filter.js';
import { whenAll } from './staged-loop.js';
import { takeVectorTests } from './vector-filter.js';

/** Emits what precedes the loop, after that of `open`'s consumer; conjuncts are tested in their order. */
export function filtered(p: Pipeline, predicate: Expr, body: Body): Body {
  const tests = openConjuncts(p, conjuncts(predicate));
  return { row: () => whenAll(p, tests, body.row), close: body.close };
}

/** The same where the rows are the source's own, and nobody sees one that is dropped: first what SIMD can compare, then
 *  runtime filters, then the rest. */
export function filteredSource(
  p: Pipeline,
  c: SliceCompiler,
  predicate: Expr | undefined,
  filters: readonly RuntimeFilterUse[],
  columns: readonly Column[],
  body: Body,
): Body {
  const all = conjuncts(predicate);
  const { rest, passing } = c.ctx.uses('VectorFilter')
    ? takeVectorTests(
        p,
        all,
        filters.reduce((share, u) => share * u.passing, 1),
      )
    : { rest: all, passing: 1 };
  const single = openFilters(p, c, filters, columns, passing);
  const tests = [...single, ...openConjuncts(p, rest)];
  if (p.touches.length > 0) {
    p.selection.push(...tests);
    return body;
  }
  return { row: () => whenAll(p, tests, body.row), close: body.close };
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

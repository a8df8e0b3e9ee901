/** Keeps rows whose predicate is TRUE. */

import type { Expr } from '../../plan/expr.js';
import { columnsOf } from '../../plan/expr-util.js';
import type { FilterOp } from '../../plan/physical.js';
import { openConjuncts } from './dict-filter.js';
import { type Body, type Consumer, type Pipeline, type SliceCompiler, union } from './pipeline.js';

/** Emits what precedes the loop, after that of `open`'s consumer; conjuncts are tested in their order. `ofSource`:
 *  the rows are the source's own, and nobody sees one that is dropped. */
export function filtered(p: Pipeline, predicate: Expr, body: Body, ofSource = false): Body {
  const tests = openConjuncts(p, predicate, ofSource);
  const from = (i: number): void => {
    if (i === tests.length) {
      body.row();
      return;
    }
    tests[i]();
    p.f.if(() => p.e.scoped(() => from(i + 1)));
  };
  return { row: () => from(0), close: body.close };
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

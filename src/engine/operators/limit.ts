/** LIMIT and OFFSET: rows are counted in the query state, over all workers; the pipeline stops with the last row.
 *  In an ordered (serial) pipeline these are the first rows; otherwise any, counted atomically. NULL means no limit.
 *  Counts that stand in columns are read from every row: all hold the same. */

import type { Expr } from '../../plan/expr.js';
import { columnsOf } from '../../plan/expr-util.js';
import type { LimitOp } from '../../plan/physical.js';
import type { Emitter } from '../codegen/emitter.js';
import { coerceRepr } from '../codegen/value-ops.js';
import { FAIL } from '../layout.js';
import type { Local } from '../wasm/module-builder.js';
import { type Consumer, type SliceCompiler, union } from './pipeline.js';

export const NO_LIMIT = (1n << 62n) - 1n;

/** Evaluates a row count into a new i64 local: `absent` for NULL; negative fails; capped below 2^62. */
export function rowCount(e: Emitter, expr: Expr | undefined, absent: bigint, failure: number): Local {
  const { f } = e;
  const n = f.local('i64');
  if (expr === undefined) {
    f.i64(absent).set(n);
    return n;
  }
  e.scoped(() => {
    const v = coerceRepr(e, e.emit(expr), 'i64');
    e.push(v.parts[0]);
    if (v.isNull !== undefined) {
      f.i64(absent);
      e.pushNull(v).op('i32.eqz').op('select');
    }
    f.set(n);
    f.get(n).i64(0n).op('i64.lt_s');
    f.if(() => e.fail(failure));
    f.get(n).i64(NO_LIMIT).op('i64.gt_s');
    f.if(() => f.i64(NO_LIMIT).set(n));
  });
  return n;
}

export function produceLimit(c: SliceCompiler, op: LimitOp, consumer: Consumer): void {
  const seenAt = c.ctx.allocQs(8);
  c.produce(op.input, {
    needs: union(consumer.needs, op.limit ? columnsOf(op.limit) : [], op.offset ? columnsOf(op.offset) : []),
    open(p) {
      const { e, f } = p;
      p.labels.push('limit');
      const offset = f.local('i64');
      const last = f.local('i64');
      const count = (): void => {
        const skip = rowCount(e, op.offset, 0n, FAIL.negativeOffset);
        const rows = rowCount(e, op.limit, NO_LIMIT, FAIL.negativeLimit);
        f.get(skip).set(offset);
        f.get(rows).get(skip).op('i64.add').set(last);
      };
      const inRows = [op.limit, op.offset].some((x) => x !== undefined && columnsOf(x).size > 0);
      if (!inRows) count();
      const body = consumer.open(p);
      if (!inRows) {
        f.get(p.qs).mem('i64.atomic.load', seenAt).get(last).op('i64.ge_u');
        f.if(() => p.stop());
      }
      const n = f.local('i64');
      return {
        row() {
          if (inRows) count();
          if (p.ordered) {
            f.get(p.qs)
              .get(p.qs)
              .mem('i64.load', seenAt)
              .tee(n)
              .i64(1n)
              .op('i64.add')
              .mem('i64.store', seenAt);
          } else f.get(p.qs).i64(1n).mem('i64.atomic.rmw.add', seenAt).set(n);
          f.get(n).get(last).op('i64.ge_u');
          f.if(() => p.stop());
          f.get(n).get(offset).op('i64.ge_u');
          f.if(() => e.scoped(body.row));
          f.get(n).i64(1n).op('i64.add').get(last).op('i64.ge_u');
          f.if(() => p.stop());
        },
        close: body.close,
      };
    },
  });
}

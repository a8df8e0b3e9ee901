/** Yields each row `count` times (INTERSECT ALL, EXCEPT ALL, generate_series); keeps order.
 *  A series column starts at `start` and grows by `step`: computed by the type's own `+`, so it fails as that does. */
import { columnsOf, exprType } from '../../plan/expr-util.js';
import type { RepeatOp } from '../../plan/physical.js';
import { reprOf } from '../../types/sql-type.js';
import { reprParts, type Val } from '../codegen/val.js';
import { coerceRepr } from '../codegen/value-ops.js';
import { type Consumer, type SliceCompiler, union } from './pipeline.js';
import { isRangeSeries, produceSeries } from './series.js';

export function produceRepeat(c: SliceCompiler, op: RepeatOp, consumer: Consumer): void {
  if (isRangeSeries(op, consumer)) {
    produceSeries(c, op, consumer);
    return;
  }
  const { series } = op;
  const needs = union(
    [...consumer.needs].filter((id) => id !== series?.out.id),
    columnsOf(op.count),
    series ? columnsOf(series.start) : [],
    series ? columnsOf(series.step) : [],
  );
  c.produce(op.input, {
    needs,
    open(p) {
      const { e, f } = p;
      p.labels.push('repeat');
      p.expands = true;
      const body = consumer.open(p);
      return {
        row() {
          const left = f.local('i64');
          const count = coerceRepr(e, e.emit(op.count), 'i64');
          e.push(count.parts[0]);
          if (count.isNull !== undefined) {
            f.i64(0n);
            e.pushNull(count).op('i32.eqz').op('select');
          }
          f.set(left);
          const wanted = series && consumer.needs.has(series.out.id) ? series : undefined;
          const repr = wanted ? reprOf(wanted.out.type, wanted.out.range) : 'i64';
          const parts = wanted ? reprParts(repr).map((t) => f.local(t)) : [];
          const current: Val | undefined = wanted && {
            type: wanted.out.type,
            repr,
            range: wanted.out.range,
            parts,
            isNull: undefined,
            stable: false,
          };
          if (wanted) {
            const start = coerceRepr(e, e.emit(wanted.start), repr);
            for (const [i, part] of parts.entries()) e.push(start.parts[i]).set(part);
          }
          f.while(
            () => f.get(left).i64(0n).op('i64.gt_s'),
            () => {
              p.checkCancel();
              e.scoped(() => {
                if (wanted) e.bind(wanted.out.id, current!);
                body.row();
              });
              f.get(left).i64(1n).op('i64.sub').set(left);
              if (wanted) {
                // Not past the last one, where the addition might overflow.
                f.get(left).i64(0n).op('i64.gt_s');
                f.if(() =>
                  e.scoped(() => {
                    if (repr === 'i32' || repr === 'i64') {
                      const step = coerceRepr(e, e.emit(wanted.step), repr);
                      f.get(parts[0]);
                      e.push(step.parts[0])
                        .op(repr === 'i32' ? 'i32.add' : 'i64.add')
                        .set(parts[0]);
                      return;
                    }
                    e.bind(wanted.out.id, current!);
                    const { type } = wanted.out;
                    const next = e.emit({
                      kind: 'call',
                      fn: `+(${type.kind},${exprType(wanted.step).kind})`,
                      args: [{ kind: 'col', id: wanted.out.id, type, nullable: false }, wanted.step],
                      type,
                    });
                    const v = coerceRepr(e, next, repr);
                    for (const [i, part] of parts.entries()) e.push(v.parts[i]).set(part);
                  }),
                );
              }
            },
          );
        },
        close: body.close,
      };
    },
  });
}

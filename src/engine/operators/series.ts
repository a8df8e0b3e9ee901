/** generate_series over one row: the numbers become morsels of their own, so that a long series is produced a range at a
 *  time, with room for its output to leave in between, and can be stopped.
 *
 *  The first pipeline evaluates the bounds and lists ranges of 65,536 numbers (more for more than 2^32); the second turns
 *  the entries' numbers into values. Ordered, so that the series comes out as it is counted. */
import type { RepeatOp, ValuesOp } from '../../plan/physical.js';
import { reprOf } from '../../types/sql-type.js';
import type { Val } from '../codegen/val.js';
import { toRepr } from './coerce.js';
import type { Consumer, SliceCompiler } from './pipeline.js';

const RANGE_BITS = 16n;

export type SeriesOp = RepeatOp & {
  readonly series: NonNullable<RepeatOp['series']>;
  readonly input: ValuesOp;
};

/** A series of integers over a single row of which nothing else is read. */
export function isRangeSeries(op: RepeatOp, consumer: Consumer): op is SeriesOp {
  const { series, input } = op;
  if (series === undefined || input.kind !== 'values' || input.valueRows.length !== 1) return false;
  const repr = reprOf(series.out.type, series.out.range);
  if ((repr !== 'i32' && repr !== 'i64') || series.out.type.kind === 'numeric') return false;
  return input.cols.every((c) => !consumer.needs.has(c.id));
}

export function produceSeries(c: SliceCompiler, op: SeriesOp, consumer: Consumer): void {
  const { series, input } = op;
  const { ctx } = c;
  const list = ctx.allocQs(8);
  const start = ctx.allocQs(8);
  const step = ctx.allocQs(8);
  const size = ctx.allocQs(8);
  const prepare = c.pipeline(
    { kind: 'once' },
    { node: op.id, label: 'series bounds' },
    { needs: new Set(), open: () => ({ row: () => undefined }) },
    (p) => () => {
      const { e, f } = p;
      input.cols.forEach((col, i) => {
        e.bind(col.id, () => e.emit(input.valueRows[0][i]));
      });
      const vals = [op.count, series.start, series.step].map((x) => toRepr(e, e.emit(x), 'i64'));
      const isNull = e.anyNull(vals);
      const count = f.local('i64');
      const entries = f.local('i32');
      const at = f.local('i32');
      const left = f.local('i64');
      e.push(vals[0].parts[0]).set(count);
      if (isNull !== undefined) e.push(isNull).if(() => f.i64(0n).set(count));
      f.get(count).i64(0n).op('i64.gt_s');
      f.if(() => {
        f.get(p.qs);
        e.push(vals[1].parts[0]).mem('i64.store', start);
        f.get(p.qs);
        e.push(vals[2].parts[0]).mem('i64.store', step);
        // At most 65,536 entries.
        const range = f.local('i64');
        f.get(count).i64(RANGE_BITS).op('i64.shr_u').i64(1n).op('i64.add').set(range);
        f.get(range)
          .i64(1n << RANGE_BITS)
          .op('i64.lt_u');
        f.if(() => f.i64(1n << RANGE_BITS).set(range));
        f.get(p.qs).get(range).mem('i64.store', size);
        f.get(count)
          .get(range)
          .op('i64.add')
          .i64(1n)
          .op('i64.sub')
          .get(range)
          .op('i64.div_u')
          .op('i32.wrap_i64')
          .set(entries);
        f.get(p.qs)
          .get(p.qs)
          .get(entries)
          .i32(3)
          .op('i32.shl')
          .call(ctx.host.alloc)
          .tee(at)
          .mem('i32.store', list);
        f.get(p.qs)
          .get(entries)
          .mem('i32.store', list + 4);
        f.get(count).set(left);
        f.i32(0).set(entries);
        f.loop((again) => {
          f.get(at).get(entries).mem('i32.store');
          f.get(at)
            .get(left)
            .get(range)
            .get(left)
            .get(range)
            .op('i64.lt_u')
            .op('select')
            .op('i32.wrap_i64')
            .mem('i32.store', 4);
          f.get(at).i32(8).op('i32.add').set(at);
          f.get(entries).i32(1).op('i32.add').set(entries);
          f.get(left).get(range).op('i64.sub').tee(left).i64(0n).op('i64.gt_s').brIf(again);
        });
      });
    },
  );
  c.pipeline(
    { kind: 'rows', listSlot: list },
    { node: op.id, deps: [prepare.id], ordered: true, label: 'series' },
    consumer,
    (p) => {
      const { e, f } = p;
      const base = f.local('i64');
      const by = f.local('i64');
      const value = f.local('i64');
      const { type, range } = series.out;
      f.get(p.morsel).op('i64.extend_i32_u').get(p.qs).mem('i64.load', size).op('i64.mul');
      f.get(p.qs)
        .mem('i64.load', step)
        .tee(by)
        .op('i64.mul')
        .get(p.qs)
        .mem('i64.load', start)
        .op('i64.add')
        .set(base);
      return (i, body) => {
        f.get(i).op('i64.extend_i32_u').get(by).op('i64.mul').get(base).op('i64.add').set(value);
        const wide: Val = {
          type: { kind: 'int8' },
          repr: 'i64',
          parts: [value],
          isNull: undefined,
          stable: true,
        };
        e.bind(series.out.id, () => ({ ...toRepr(e, wide, reprOf(type, range)), type, range }));
        body.row();
      };
    },
  );
}

/** Joins without an equality: every probe row is tested against every build row.
 *
 *  Build rows are stored as in a hash join, without a directory. With `nullAware`, a predicate that is NULL for some
 *  pair makes the mark NULL (and drops the row of an anti join) when no pair makes it TRUE. */
import { columnsOf } from '../../plan/expr-util.js';
import type { NestedLoopOp } from '../../plan/physical.js';
import type { ColId } from '../../types/ids.js';
import {
  type Cursor,
  emitBuildRows,
  emitMatches,
  type JoinPlan,
  keepsBuild,
  needsBuild,
  nullRowOf,
  padsBuild,
  yieldsBuild,
} from './join-match.js';
import { type Consumer, type Pipeline, type SliceCompiler, union } from './pipeline.js';
import { RowLayout } from './row-layout.js';
import { RowStore } from './row-store.js';

export function produceNestedLoop(c: SliceCompiler, op: NestedLoopOp, consumer: Consumer): void {
  const { type, predicate } = op;
  const predicateIds = predicate ? columnsOf(predicate) : new Set<ColId>();
  const buildCols = op.build.cols.filter(
    (col) => predicateIds.has(col.id) || (yieldsBuild(type) && consumer.needs.has(col.id)),
  );
  const buildIds = new Set(buildCols.map((col) => col.id));
  const layout = new RowLayout(buildCols, { flags: keepsBuild(type) ? 1 : 0, allNullable: padsBuild(type) });
  const store = new RowStore(c.ctx, layout.bytes);
  const list = c.ctx.allocQs(8);
  const total = c.ctx.allocQs(4, 4);

  const fed: Pipeline[] = [];
  c.produce(op.build, {
    needs: buildIds,
    open(p) {
      fed.push(p);
      p.labels.push('build rows');
      const row = p.f.local('i32');
      return {
        row() {
          store.append(p.e, row);
          layout.storeAll(p.e, row);
        },
      };
    },
  });
  const collect = c.finishStep((e) => {
    e.f.get(e.qs);
    store.collect(e, list);
    e.f.mem('i32.store', total);
  });
  const ready = c.finishAfter(fed, 'build rows', [collect]);

  const plan: JoinPlan = {
    type,
    layout,
    mark: op.mark,
    nullRow: padsBuild(type) ? nullRowOf(c.ctx, layout) : 0,
  };
  const silent = type === 'rightSemi' || type === 'rightAnti';
  const probed: Pipeline[] = [];
  c.produce(op.probe, {
    needs: union(
      silent ? [] : [...consumer.needs].filter((id) => !buildIds.has(id) && id !== op.mark?.id),
      [...predicateIds].filter((id) => !buildIds.has(id)),
    ),
    open(p) {
      probed.push(p);
      p.deps.add(ready);
      p.labels.push(`nested loop (${type})`);
      const { e, f } = p;
      const body = silent ? { row: () => undefined } : consumer.open(p);
      if (needsBuild(type)) {
        f.get(p.qs).mem('i32.load', total).op('i32.eqz');
        f.if(() => p.stop());
      }
      const row = f.local('i32');
      const rowsLeft = f.local('i32');
      const entry = f.local('i32');
      const entriesLeft = f.local('i32');
      const sawNull = f.local('i32');
      const mark = f.local('i32');
      p.expands = true;
      const threeValued = op.nullAware && predicate !== undefined && (type === 'anti' || type === 'mark');
      return {
        row() {
          const nextEntry = (): void => {
            f.get(entriesLeft);
            f.if(
              () => {
                f.get(entriesLeft).i32(1).op('i32.sub').set(entriesLeft);
                f.get(entry).mem('i32.load').set(row);
                f.get(entry).mem('i32.load', 4).set(rowsLeft);
                f.get(entry).i32(8).op('i32.add').set(entry);
              },
              () => f.i32(0).set(row),
            );
          };
          const cursor: Cursor = {
            row,
            init() {
              p.tempMark(mark);
              f.get(p.qs).mem('i32.load', list).set(entry);
              f.get(p.qs)
                .mem('i32.load', list + 4)
                .set(entriesLeft);
              f.i32(0).set(sawNull);
              nextEntry();
            },
            advance() {
              p.checkCancel(mark);
              f.get(rowsLeft).i32(1).op('i32.sub').tee(rowsLeft);
              f.if(() => f.get(row).i32(layout.bytes).op('i32.add').set(row), nextEntry);
            },
            bind: () => layout.bind(e, row),
            test(then) {
              e.scoped(() => {
                layout.bind(e, row);
                if (predicate === undefined) then();
                else if (!threeValued) {
                  e.emitCondition(predicate);
                  f.if(() => e.scoped(then));
                } else {
                  const v = e.emit(predicate);
                  if (v.isNull === undefined) e.push(v.parts[0]);
                  else {
                    e.pushNull(v).get(sawNull).op('i32.or').set(sawNull);
                    e.push(v.parts[0]);
                    e.pushNull(v).op('i32.eqz').op('i32.and');
                  }
                  f.if(() => e.scoped(then));
                }
              });
            },
          };
          emitMatches(p, plan, cursor, threeValued ? () => f.get(sawNull) : undefined, body.row);
        },
        close: body.close,
      };
    },
  });
  if (!keepsBuild(type)) return;
  const yielded = new Set([...buildIds].filter((id) => consumer.needs.has(id)));
  emitBuildRows(
    c,
    {
      node: op.id,
      type,
      layout,
      listSlot: list,
      after: probed.map((p) => p.id),
      probeCols: op.probe.cols,
      buildIds: yielded,
    },
    consumer,
  );
}

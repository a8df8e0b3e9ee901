/** Hash join: one pipeline stores the build rows, one probes, and for join types that keep build rows a third emits
 *  those.
 *
 *  Yields the logical columns of the join; keeps no order. Build rows hold the columns that are read above or by the
 *  residual, and the keys in their common form. Rows with a null key are dropped where they can come to nothing.
 *  Memory pressure: rows and directory come from `host.alloc`; the place to partition both sides to disk is the build
 *  consumer here (rows) and `JoinTable.steps` (directory). */
import { columnsOf } from '../../plan/expr-util.js';
import type { HashJoinOp } from '../../plan/physical.js';
import type { ColId } from '../../types/ids.js';
import type { Emitter } from '../codegen/emitter.js';
import type { Val } from '../codegen/val.js';
import { hashVals } from '../codegen/value-ops.js';
import type { Local } from '../wasm/module-builder.js';
import { isPlainKey, type JoinKey, joinKeys, keyMatches, keyVal } from './join-keys.js';
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
import { DENSE_MAX, type DenseKey, JoinTable } from './join-table.js';
import { type Consumer, type Pipeline, type SliceCompiler, union } from './pipeline.js';
import { RowLayout } from './row-layout.js';
import { eachEntry, eachRow, RowStore } from './row-store.js';
import { FilterCode } from './runtime-filter.js';
import { touchable } from './staged-loop.js';

export function produceHashJoin(c: SliceCompiler, op: HashJoinOp, consumer: Consumer): void {
  const { type, residual, nullAware } = op;
  const residualIds = residual ? columnsOf(residual) : new Set<ColId>();
  const keys = joinKeys(c, op.probeKeys, op.buildKeys, op.nullSafe, op.probe.cols, op.build.cols);
  const buildCols = op.build.cols.filter(
    (col) => residualIds.has(col.id) || (yieldsBuild(type) && consumer.needs.has(col.id)),
  );
  const plain = isPlainKey(keys);
  const keepNulls = nullAware && (type === 'anti' || type === 'mark');
  const dropNulls = !keepNulls && type !== 'right' && type !== 'full' && type !== 'rightAnti';
  const layout = new RowLayout([...keys.map((k) => k.column), ...buildCols], {
    next: true,
    hash: !plain,
    flags: keepsBuild(type) ? 1 : 0,
    allNullable: padsBuild(type),
  });
  const store = new RowStore(c.ctx, layout.bytes);
  const table = new JoinTable(
    c,
    layout,
    plain && !keepNulls && c.ctx.uses('DenseJoin') ? denseKey(keys, layout) : undefined,
  );

  const fed: Pipeline[] = [];
  c.produce(op.build, {
    needs: union(
      buildCols.map((col) => col.id),
      ...op.buildKeys.map((k) => columnsOf(k)),
    ),
    open(p) {
      fed.push(p);
      p.labels.push('build hash table');
      const { e, f } = p;
      const row = f.local('i32');
      return {
        row() {
          const vals = keys.map((k) => keyVal(e, k, e.emit(k.build)));
          const write = (): void => {
            const hash = plain ? undefined : hashVals(e, vals);
            store.append(e, row);
            keys.forEach((k, i) => {
              if (!e.isBound(k.column.id) || k.column.id < 0) e.bind(k.column.id, vals[i]);
            });
            layout.storeAll(e, row);
            if (hash) f.get(row).get(hash).mem('i32.store', layout.hashOffset);
          };
          const isNull = dropNulls ? e.anyNull(vals.filter((_, i) => !keys[i].nullSafe)) : undefined;
          if (isNull === undefined) {
            write();
            return;
          }
          e.push(isNull).op('i32.eqz');
          f.if(() =>
            e.scoped(() => {
              // Null-safe keys keep their flag; the others are known not to be null from here on.
              vals.forEach((v, i) => {
                if (!keys[i].nullSafe) vals[i] = { ...v, isNull: undefined };
              });
              write();
            }),
          );
        },
      };
    },
  });

  const storedKeys = (e: Emitter, row: Local): readonly Val[] =>
    keys.map((k) => {
      const v = layout.load(e, row, layout.field(k.column.id));
      return dropNulls && !k.nullSafe ? { ...v, isNull: undefined } : v;
    });
  const filters = (op.runtimeFilters ?? []).map(({ filter, key, receive }) => ({
    receive,
    code: new FilterCode(c, filter),
    key: (e: Emitter, row: Local) => layout.load(e, row, layout.field(keys[key].column.id)),
  }));
  const built = table.steps(
    store,
    {
      filters,
      testNull(e, row, skip) {
        const isNull = e.anyNull(storedKeys(e, row).filter((_, i) => !keys[i].nullSafe));
        if (isNull !== undefined) e.push(isNull).if(skip);
      },
      hash(e, row) {
        if (plain) return hashVals(e, storedKeys(e, row));
        e.f.get(row).mem('i32.load', layout.hashOffset);
        return e.save('i32');
      },
    },
    keepNulls,
  );
  const ready = c.finishAfter(fed, 'build hash table', built.steps, built.parallel);
  for (const { code, receive } of filters) {
    code.ready = ready;
    c.filters.set(code.filter.id, code);
    if (receive !== undefined)
      c.publishes.push({ pipeline: ready, filter: code.filter, slot: code.slot, receive });
  }

  const buildIds = new Set(buildCols.map((col) => col.id));
  const emitsBuildIds = new Set([...buildIds].filter((id) => consumer.needs.has(id)));
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
      [...residualIds].filter((id) => !buildIds.has(id)),
      ...op.probeKeys.map((k) => columnsOf(k)),
    ),
    open(p) {
      probed.push(p);
      p.deps.add(ready);
      p.labels.push(`probe hash table (${type})`);
      const { e, f } = p;
      const body = silent ? { row: () => undefined } : consumer.open(p);
      const opened = table.open(e);
      if (needsBuild(type)) {
        f.get(p.qs).mem('i32.load', table.rows).op('i32.eqz');
        f.if(() => p.stop());
      }
      if (type === 'anti' && keepNulls && keys.length === 1 && !residual) {
        f.get(p.qs).mem('i32.load', table.nullRows);
        f.if(() => p.stop());
      }
      const probes = keys.map((k) => (k.probe.kind === 'col' ? k.probe.id : undefined));
      if (touchable(p, op.probe, op.build.rows, probes))
        p.touches.unshift(
          table.touch(p, opened, () =>
            keys.map((k) => ({ ...keyVal(e, k, e.emit(k.probe)), isNull: undefined })),
          ),
        );
      const row = f.local('i32');
      const mark = f.local('i32');
      p.expands ||= !silent && (yieldsBuild(type) || residual !== undefined);
      return {
        row() {
          const vals = keys.map((k) => keyVal(e, k, e.emit(k.probe)));
          const isNull = e.anyNull(vals.filter((_, i) => !keys[i].nullSafe));
          // A plain key is hashed only where there is no array by value.
          const stored = plain ? undefined : hashVals(e, vals);
          const inner = type === 'inner' || type === 'semi';
          const cursor: Cursor = {
            row,
            init() {
              p.tempMark(mark);
              table.lookup(e, opened, vals[0], () => stored ?? hashVals(e, vals), row);
              if (isNull !== undefined) {
                f.i32(0).get(row);
                e.push(isNull).op('select').set(row);
              }
            },
            advance() {
              p.checkCancel(mark);
              f.get(row).mem('i32.load', layout.nextOffset).set(row);
            },
            bind: () => layout.bind(e, row, buildIds),
            test(then) {
              e.scoped(() => {
                layout.bind(e, row, buildIds);
                const conditions: (() => void)[] = [];
                if (stored)
                  conditions.push(() =>
                    f.get(row).mem('i32.load', layout.hashOffset).get(stored).op('i32.eq'),
                  );
                for (const [i, k] of keys.entries())
                  conditions.push(() => {
                    const own = layout.load(e, row, layout.field(k.column.id));
                    keyMatches(e, k, notNullUnless(k, vals[i]), notNullUnless(k, own));
                  });
                // A build row that has matched already needs no second match.
                if (silent)
                  conditions.unshift(() => f.get(row).mem('i32.load8_u', layout.flagOffset).op('i32.eqz'));
                nest(p, conditions, () => {
                  if (inner && isNull === undefined) bindEqualColumns(p, keys, vals, buildIds);
                  if (residual === undefined) then();
                  else {
                    e.emitCondition(residual);
                    f.if(() => e.scoped(then));
                  }
                });
              });
            },
          };
          const unknown = keepNulls
            ? unknownTest(p, { keys, vals, table, layout, buildIds, residual: op.residual })
            : undefined;
          emitMatches(p, plan, cursor, unknown, body.row);
        },
        close: body.close,
      };
    },
  });
  if (!keepsBuild(type)) return;
  emitBuildRows(
    c,
    {
      node: op.id,
      type,
      layout,
      listSlot: table.list,
      after: probed.map((p) => p.id),
      probeCols: op.probe.cols,
      buildIds: emitsBuildIds,
    },
    consumer,
  );
}

/** The single integer key whose guaranteed range an array can span. */
function denseKey(keys: readonly JoinKey[], layout: RowLayout): DenseKey | undefined {
  const [key] = keys;
  const field = layout.field(key.column.id);
  const range = field.column.range;
  if (keys.length !== 1 || range === undefined || key.form.repr !== field.repr) return undefined;
  const size = range.max - range.min + 1n;
  return size > 0n && size <= BigInt(DENSE_MAX) ? { field, min: range.min, size: Number(size) } : undefined;
}

/** Inside a match only null-safe keys can be null. */
function notNullUnless(key: JoinKey, v: Val): Val {
  return key.nullSafe ? v : { ...v, isNull: undefined };
}

/** Each condition leaves i32; they short-circuit. */
function nest(p: Pipeline, conditions: readonly (() => void)[], then: () => void): void {
  if (conditions.length === 0) {
    then();
    return;
  }
  conditions[0]();
  p.f.if(() => p.e.scoped(() => nest(p, conditions.slice(1), then)));
}

/** In a match, integer key columns of the build side are what the probe side has in registers. */
function bindEqualColumns(
  p: Pipeline,
  keys: readonly JoinKey[],
  vals: readonly Val[],
  buildIds: ReadonlySet<ColId>,
): void {
  keys.forEach((k, i) => {
    const { repr, type } = vals[i];
    if (k.build.kind !== 'col' || k.build.id !== k.column.id || !buildIds.has(k.column.id)) return;
    if ((repr === 'i32' || repr === 'i64') && type.kind === k.column.type.kind && type.kind !== 'numeric')
      p.e.bind(k.column.id, vals[i]);
  });
}

/** Is there a build row for which the key comparison is NULL (and the residual TRUE)? Only asked when none matched.
 *  Leaves i32. With one key and no residual that is: a null probe key and any row, or a null key among the rows. */
function unknownTest(
  p: Pipeline,
  j: {
    readonly keys: readonly JoinKey[];
    readonly vals: readonly Val[];
    readonly table: JoinTable;
    readonly layout: RowLayout;
    readonly buildIds: ReadonlySet<ColId>;
    readonly residual: HashJoinOp['residual'];
  },
): () => void {
  const { e, f } = p;
  const { keys, vals, table, layout, residual } = j;
  const probeNull = e.anyNull(vals);
  return () => {
    if (keys.length === 1 && residual === undefined) {
      f.get(p.qs).mem('i32.load', table.nullRows).i32(0).op('i32.ne');
      if (probeNull !== undefined) {
        e.push(probeNull);
        f.get(p.qs).mem('i32.load', table.rows).i32(0).op('i32.ne').op('i32.and').op('i32.or');
      }
      return;
    }
    const found = f.local('i32');
    f.i32(0).set(found);
    const test = (row: Local, then: () => void): void => {
      p.checkCancel();
      e.scoped(() => {
        layout.bind(e, row, j.buildIds);
        const conditions = keys.map((k, i) => () => {
          const stored = layout.load(e, row, layout.field(k.column.id));
          const isNull = e.anyNull([vals[i], stored]);
          if (isNull === undefined) return keyMatches(e, k, vals[i], stored);
          e.push(isNull);
          f.if(
            () => f.i32(1),
            () =>
              e.scoped(() =>
                keyMatches(e, k, { ...vals[i], isNull: undefined }, { ...stored, isNull: undefined }),
              ),
            'i32',
          );
        });
        nest(p, conditions, () => {
          if (residual === undefined) then();
          else {
            e.emitCondition(residual);
            f.if(then);
          }
        });
      });
    };
    const overNullRows = (): void => {
      const row = f.local('i32');
      f.get(p.qs).mem('i32.load', table.nullRows).set(row);
      f.block((done) => {
        f.loop((again) => {
          f.get(row).op('i32.eqz').brIf(done);
          test(row, () => f.i32(1).set(found).br(done));
          f.get(row).mem('i32.load', layout.nextOffset).set(row).br(again);
        });
      });
    };
    if (probeNull === undefined) overNullRows();
    else {
      e.push(probeNull);
      f.if(
        () =>
          f.block((done) => {
            eachEntry(e, table.list, (address, rows) => {
              eachRow(e, address, rows, layout.bytes, (row) => test(row, () => f.i32(1).set(found).br(done)));
            });
          }),
        overNullRows,
      );
    }
    f.get(found);
  };
}

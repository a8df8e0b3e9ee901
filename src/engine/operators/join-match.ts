/** What every join does with the build rows that match a probe row, by join type.
 *
 *  Owns: the loop over candidates and the meaning of the types (see `PhysJoinType`); hash join and nested loop differ in
 *  their cursor only. `emit` is generated once whatever the type: the row of a left join without a match is the null
 *  row, a constant build row in which every field is null. */
import type { Column } from '../../plan/expr.js';
import type { NodeId, PhysJoinType } from '../../plan/physical.js';
import type { ColId } from '../../types/ids.js';
import { unreachable } from '../../types/sql-error.js';
import { BOOL, reprOf } from '../../types/sql-type.js';
import type { SliceContext } from '../codegen/context.js';
import { i32Const, type Val, zeroParts } from '../codegen/val.js';
import { FAIL } from '../layout.js';
import type { Local } from '../wasm/module-builder.js';
import type { Consumer, Pipeline, SliceCompiler } from './pipeline.js';
import type { RowLayout } from './row-layout.js';

/** Walks the candidates for one probe row: `row` is the current one, 0 at the end. */
export type Cursor = {
  readonly row: Local;
  init(): void;
  advance(): void;
  /** Binds build columns to `row` and runs `then` if it matches (in conditional code). */
  test(then: () => void): void;
  /** Binds build columns to `row`. */
  bind(): void;
};

export type JoinPlan = {
  readonly type: PhysJoinType;
  readonly layout: RowLayout;
  readonly mark: Column | undefined;
  readonly nullRow: number;
};

/** Types whose build rows are marked when they match, and emitted after the probe. */
export function keepsBuild(type: PhysJoinType): boolean {
  return type === 'right' || type === 'full' || type === 'rightSemi' || type === 'rightAnti';
}

/** Types that emit probe rows without a build row beside them. */
export function padsBuild(type: PhysJoinType): boolean {
  return type === 'left' || type === 'full' || type === 'single';
}

/** Types of which nothing comes when the build side is empty. */
export function needsBuild(type: PhysJoinType): boolean {
  return (
    type === 'inner' || type === 'right' || type === 'semi' || type === 'rightSemi' || type === 'rightAnti'
  );
}

/** Build columns that the operator yields (not those of its residual). */
export function yieldsBuild(type: PhysJoinType): boolean {
  return type !== 'semi' && type !== 'anti' && type !== 'mark';
}

export function nullRowOf(ctx: SliceContext, layout: RowLayout): number {
  const bytes = new Uint8Array(layout.bytes);
  bytes.fill(0xff, layout.nullOffset, layout.nullOffset + layout.nullBytes);
  return ctx.dataBytes(bytes, 8);
}

/** `unknown`: emits code that leaves i32, 1 = some candidate compares as NULL; asked only when none matched. */
export function emitMatches(
  p: Pipeline,
  plan: JoinPlan,
  cursor: Cursor,
  unknown: (() => void) | undefined,
  emit: () => void,
): void {
  const { e, f } = p;
  const { row } = cursor;
  const flag = (): void => {
    f.get(row).i32(1).mem('i32.store8', plan.layout.flagOffset);
  };
  const walk = (onMatch: (leave: () => void) => void): void => {
    cursor.init();
    f.block((done) => {
      f.loop((again) => {
        f.get(row).op('i32.eqz').brIf(done);
        cursor.test(() => onMatch(() => f.br(done)));
        cursor.advance();
        f.br(again);
      });
    });
  };
  switch (plan.type) {
    case 'inner':
      walk(emit);
      return;
    case 'right':
      walk(() => {
        flag();
        emit();
      });
      return;
    case 'rightSemi':
    case 'rightAnti':
      walk(flag);
      return;
    case 'semi':
      walk((leave) => {
        emit();
        leave();
      });
      return;
    case 'anti': {
      const kept = f.local('i32');
      f.i32(1).set(kept);
      walk((leave) => {
        f.i32(0).set(kept);
        leave();
      });
      f.get(kept);
      if (unknown) {
        f.if(
          () => {
            unknown();
            f.op('i32.eqz');
          },
          () => f.i32(0),
          'i32',
        );
      }
      f.if(() => e.scoped(emit));
      return;
    }
    case 'mark': {
      const matched = f.local('i32');
      f.i32(0).set(matched);
      walk((leave) => {
        f.i32(1).set(matched);
        leave();
      });
      let isNull: Local | undefined;
      if (unknown) {
        isNull = f.local('i32');
        f.i32(0).set(isNull);
        f.get(matched).op('i32.eqz');
        f.if(() => {
          unknown();
          f.set(isNull!);
        });
      }
      const mark = plan.mark!;
      const val: Val = { type: BOOL, repr: 'i32', parts: [matched], isNull, stable: true };
      e.scoped(() => {
        e.bind(mark.id, val);
        emit();
      });
      return;
    }
    case 'left':
    case 'full':
    case 'single': {
      const matched = f.local('i32');
      f.i32(0).set(matched);
      cursor.init();
      f.block((done) => {
        f.loop((again) => {
          f.block((found) => {
            f.loop((search) => {
              f.get(row).op('i32.eqz');
              f.if(() => {
                f.get(matched).brIf(done);
                f.i32(2).set(matched);
                f.get(p.qs).i32(plan.nullRow).op('i32.add').set(row);
                f.br(found);
              });
              cursor.test(() => {
                if (plan.type === 'single') f.get(matched).if(() => e.fail(FAIL.subqueryRows));
                if (plan.type === 'full') flag();
                f.i32(1).set(matched);
                f.br(found);
              });
              cursor.advance();
              f.br(search);
            });
          });
          e.scoped(() => {
            cursor.bind();
            emit();
          });
          f.get(matched).i32(2).op('i32.eq').brIf(done);
          cursor.advance();
          f.br(again);
        });
      });
      return;
    }
    default:
      unreachable(plan.type);
  }
}

export function nullVal(column: Column): Val {
  const repr = reprOf(column.type, column.range);
  return {
    type: column.type,
    repr,
    range: column.range,
    parts: zeroParts(repr),
    isNull: i32Const(1),
    stable: true,
  };
}

/** After the probe: the pipeline over build rows that (did not) match, probe columns null. */
export function emitBuildRows(
  c: SliceCompiler,
  options: {
    readonly node: NodeId;
    readonly type: PhysJoinType;
    readonly layout: RowLayout;
    readonly listSlot: number;
    readonly after: readonly number[];
    readonly probeCols: readonly Column[];
    readonly buildIds: ReadonlySet<ColId>;
  },
  consumer: Consumer,
): void {
  const { type, layout } = options;
  const wanted = type === 'rightSemi' ? 1 : 0;
  c.pipeline(
    { kind: 'rows', listSlot: options.listSlot },
    {
      node: options.node,
      deps: options.after,
      label: wanted ? 'matched build rows' : 'unmatched build rows',
    },
    consumer,
    (p) => {
      const { e, f } = p;
      const row = f.local('i32');
      return (i, body) => {
        f.get(p.morsel).get(i).i32(layout.bytes).op('i32.mul').op('i32.add').tee(row);
        f.mem('i32.load8_u', layout.flagOffset).i32(wanted).op('i32.eq');
        f.if(() =>
          e.scoped(() => {
            layout.bind(e, row, options.buildIds);
            for (const col of options.probeCols) if (consumer.needs.has(col.id)) e.bind(col.id, nullVal(col));
            body.row();
          }),
        );
      };
    },
  );
}

/** COPY FROM as a plan: every segment parses its share of the lines (a virtual table here), adds the missing columns, and
 *  sends each row to where it belongs, to be stored. The engine then does the rest as for any INSERT. */
import { COPY_SOURCE, copyFieldId } from '../../exchange/control-messages.js';
import type { Column, Expr } from '../../plan/expr.js';
import type { DistributedPlan, PhysicalOp, Slice, SliceSink } from '../../plan/physical.js';
import { STORED_VALUE_ID } from '../../types/functions/stored-value.js';
import type { ColId, MotionId, SegmentId, SliceId } from '../../types/ids.js';
import { NUMERIC, type SqlType } from '../../types/sql-type.js';
import { nanInteger, toStored } from '../../types/stored-numeric.js';
import type { CopyInOptions } from './api.js';

export function copyPlan(options: CopyInOptions, segments: readonly SegmentId[]): DistributedPlan {
  const { table, ordinals, defaults } = options;
  const base = { rows: 0, cost: 0 };
  const fields: Column[] = ordinals.map((o, i) => column(i, table.columns[o]!, true));
  const parse: PhysicalOp = {
    ...base,
    kind: 'virtualScan',
    id: 1,
    ...COPY_SOURCE,
    ordinals: ordinals.map((_, i) => i),
    cols: fields,
  };
  const { where } = options;
  const kept: PhysicalOp =
    where === undefined
      ? parse
      : { ...base, kind: 'filter', id: 4, input: parse, predicate: where, cols: fields };
  const full: Column[] = table.columns.map((c, i) => column(ordinals.length + i, c, true));
  const project: PhysicalOp = {
    ...base,
    kind: 'project',
    id: 2,
    input: kept,
    cols: full,
    exprs: table.columns.map((c, ordinal): Expr => {
      const field = fields[ordinals.indexOf(ordinal)];
      if (field !== undefined) return { kind: 'col', id: field.id, type: field.type, nullable: true };
      return { kind: 'const', value: toStored(c.type, defaults[ordinal] ?? null), type: c.type };
    }),
  };
  const motion = { kind: 'motion', motion: 1 as MotionId, to: 2 as SliceId, cols: full } as const;
  const receive: PhysicalOp = {
    ...base,
    kind: 'receive',
    id: 3,
    motion: motion.motion,
    fromSlice: 1 as SliceId,
    merge: undefined,
    cols: full,
  };
  const slices: Slice[] = [
    { id: 1 as SliceId, root: project, sink: motionSink(options, motion), gang: segments },
    {
      id: 2 as SliceId,
      root: receive,
      gang: segments,
      sink: {
        kind: 'insert',
        replicated: table.distribution.kind === 'replicated',
        storageId: table.storageId,
        tableOid: table.oid,
        table: table.name,
        columns: table.columns,
        cols: full,
      },
    },
  ];
  return { slices, output: [], paramTypes: [], assumes: [] };
}

/** The value of a column that no table has yet: NaN in a numeric(p,s) is an integer there. */
export function fieldValue(id: ColId, type: SqlType): Expr {
  const field: Expr = { kind: 'col', id, type, nullable: true };
  return nanInteger(type) === undefined
    ? field
    : { kind: 'call', fn: STORED_VALUE_ID, args: [field], type: NUMERIC };
}

function column(id: number, c: { name: string; type: Column['type'] }, nullable: boolean): Column {
  return { id: copyFieldId(id), name: c.name, type: c.type, nullable };
}

function motionSink(
  { table }: CopyInOptions,
  motion: { kind: 'motion'; motion: MotionId; to: SliceId; cols: readonly Column[] },
): SliceSink {
  switch (table.distribution.kind) {
    case 'replicated':
      return { ...motion, mode: 'broadcast' };
    case 'random':
      return { ...motion, mode: 'random' };
    case 'hash': {
      const keys = table.distribution.columns.map((ordinal): Expr => {
        const c = motion.cols[ordinal]!;
        return fieldValue(c.id, c.type);
      });
      return { ...motion, mode: 'hash', keys };
    }
  }
}

/** A scan of a system table on the master: rows computed now, as one batch in the engine's memory. */
import type { BatchSource } from '../../../engine/api.js';
import type { VirtualScanOp } from '../../../plan/physical.js';
import { encodingOf, rowsToBatch } from '../../../types/columnar.js';
import type { Batch, MemoryPool } from '../../../types/memory.js';
import { assert } from '../../../types/sql-error.js';
import { type RowSource, rowValues, type SystemContext } from './context.js';
import { RELATION_ROWS } from './rows-relations.js';
import { SERVER_ROWS } from './rows-server.js';
import { systemTable } from './tables.js';

const ROWS: Readonly<Record<string, RowSource | undefined>> = { ...RELATION_ROWS, ...SERVER_ROWS };

export function systemRows(
  schema: string,
  name: string,
  ordinals: readonly number[],
  context: SystemContext,
) {
  const table = systemTable(schema, name);
  assert(table !== undefined, `system table ${schema}.${name}`);
  const rows = ROWS[`${schema}.${name}`]?.(context) ?? [];
  return { table, rows: rows.map((r) => rowValues(table, r, ordinals)) };
}

export function scanSystemTable(op: VirtualScanOp, context: SystemContext, memory: MemoryPool): BatchSource {
  const { rows } = systemRows(op.schema, op.table, op.ordinals, context);
  const types = op.cols.map((c) => c.type);
  let batch: Batch | undefined = rows.length === 0 ? undefined : rowsToBatch(types, rows, memory);
  return {
    layout: types.map((t) => ({ encoding: encodingOf(t), nullable: true })),
    next() {
      const given = batch;
      batch = undefined;
      return given ?? 'end';
    },
    onReady() {},
    close() {
      batch?.release();
      batch = undefined;
    },
  };
}

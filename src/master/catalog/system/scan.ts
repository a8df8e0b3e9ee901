/** A scan of a system table on the master: rows computed now, as one batch in the engine's memory. */
import type { BatchSource } from '../../../engine/api.js';
import type { VirtualTableDef } from '../../../plan/catalog.js';
import type { VirtualScanOp } from '../../../plan/physical.js';
import { encodingOf, rowsToBatch } from '../../../types/columnar.js';
import type { Batch, MemoryPool } from '../../../types/memory.js';
import { assert } from '../../../types/sql-error.js';
import { type RowSource, rowValues, type SystemContext, type SystemRow } from './context.js';
import { PRIVILEGE_ROWS } from './rows-privileges.js';
import { RELATION_ROWS } from './rows-relations.js';
import { ROLE_ROWS } from './rows-roles.js';
import { LATE_SERVER_ROWS, SERVER_ROWS } from './rows-server.js';
import { systemTable } from './tables.js';

const ROWS: Readonly<Record<string, RowSource | undefined>> = {
  ...RELATION_ROWS,
  ...ROLE_ROWS,
  ...PRIVILEGE_ROWS,
  ...SERVER_ROWS,
};

function tableOf(schema: string, name: string): VirtualTableDef {
  const table = systemTable(schema, name);
  assert(table !== undefined, `system table ${schema}.${name}`);
  return table;
}

export function scanSystemTable(op: VirtualScanOp, context: SystemContext, memory: MemoryPool): BatchSource {
  const table = tableOf(op.schema, op.table);
  const name = `${op.schema}.${op.table}`;
  const types = op.cols.map((c) => c.type);
  const batchOf = (rows: readonly SystemRow[]): Batch | undefined =>
    rows.length === 0
      ? undefined
      : rowsToBatch(
          types,
          rows.map((r) => rowValues(table, r, op.ordinals)),
          memory,
        );
  const layout = types.map((t) => ({ encoding: encodingOf(t), nullable: true }));
  const late = LATE_SERVER_ROWS[name];
  if (late !== undefined) return new LateSource(layout, late(context), batchOf);
  let batch = batchOf(ROWS[name]?.(context) ?? []);
  return {
    layout,
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

/** Rows that are on their way. */
class LateSource implements BatchSource {
  readonly layout: BatchSource['layout'];
  private rows: readonly SystemRow[] | undefined;
  private failure: { readonly error: unknown } | undefined;
  private given = false;
  private callback: (() => void) | undefined;
  private readonly batchOf: (rows: readonly SystemRow[]) => Batch | undefined;

  constructor(
    layout: BatchSource['layout'],
    rows: Promise<readonly SystemRow[]>,
    batchOf: (rows: readonly SystemRow[]) => Batch | undefined,
  ) {
    this.layout = layout;
    this.batchOf = batchOf;
    rows.then(
      (r) => {
        this.rows = r;
        this.callback?.();
      },
      (error: unknown) => {
        this.failure = { error };
        this.callback?.();
      },
    );
  }

  next(): Batch | 'wait' | 'end' {
    if (this.given) return 'end';
    if (this.failure !== undefined) throw this.failure.error;
    if (this.rows === undefined) return 'wait';
    this.given = true;
    return this.batchOf(this.rows) ?? 'end';
  }

  onReady(callback: () => void): void {
    this.callback = callback;
  }

  close(): void {
    this.given = true;
    this.callback = undefined;
  }
}

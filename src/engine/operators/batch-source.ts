/** Leaves over batches: one pipeline over the batches (or merged runs) of a scan, receive or virtual scan.
 *
 *  Strings of scans are stable (their batches stay pinned for the query), those of motions are not. Columns are loaded
 *  when they are first read. Dictionary columns are noted, for operators that can work on codes. */
import type { Column } from '../../plan/expr.js';
import type { ReceiveOp, ScanOp, VirtualScanOp } from '../../plan/physical.js';
import { BATCH_COLUMN_BYTES, BATCH_HEADER_BYTES, type ColumnLayout } from '../../types/memory.js';
import { bindBatchColumns, bindMergedColumns } from '../codegen/columns.js';
import type { Local } from '../wasm/module-builder.js';
import type { Body, Consumer, Pipeline, SliceCompiler } from './pipeline.js';

type Leaf = ScanOp | VirtualScanOp | ReceiveOp;

/** `columns[j]` is the batch's column j. */
export function produceBatches(
  c: SliceCompiler,
  op: Leaf,
  columns: readonly Column[],
  label: string,
  consumer: Consumer,
): void {
  const layouts = c.env.layouts.get(op.id);
  if (layouts === undefined) throw new Error(`no layout for node ${op.id}`);
  const merged = op.kind === 'receive' && op.merge !== undefined;
  c.pipeline(
    { kind: merged ? 'merged' : 'batches', node: op.id },
    { ordered: merged, node: op.id, label },
    consumer,
    (p) =>
      merged ? mergedRows(p, columns, layouts) : batchRows(p, columns, layouts, consumer, op.kind === 'scan'),
  );
}

function batchRows(
  p: Pipeline,
  columns: readonly Column[],
  layouts: readonly ColumnLayout[],
  consumer: Consumer,
  stable: boolean,
): (i: Local, body: Body) => void {
  const { e, f } = p;
  bindBatchColumns(e, p.morsel, p.row, columns, layouts, stable).prologue();
  columns.forEach((column, j) => {
    const { encoding, nullable } = layouts[j];
    if (nullable || !consumer.needs.has(column.id) || (encoding !== 'dict8' && encoding !== 'dict16')) return;
    const at = BATCH_HEADER_BYTES + j * BATCH_COLUMN_BYTES;
    const codes = f.local('i32');
    const count = f.local('i32');
    f.get(p.morsel).mem('i32.load', at).set(codes);
    f.get(p.morsel)
      .mem('i32.load', at + 16)
      .set(count);
    p.dicts.set(column.id, {
      count,
      pushCode() {
        f.get(codes).get(p.row);
        if (encoding === 'dict16') f.i32(1).op('i32.shl');
        f.op('i32.add').mem(encoding === 'dict8' ? 'i32.load8_u' : 'i32.load16_u');
      },
    });
  });
  return (_, body) => body.row();
}

/** Rows of merged streams: pairs (batch descriptor, row). */
function mergedRows(
  p: Pipeline,
  columns: readonly Column[],
  layouts: readonly ColumnLayout[],
): (i: Local, body: Body) => void {
  const { e, f } = p;
  const batch = f.local('i32');
  const row = f.local('i32');
  bindMergedColumns(e, batch, row, columns, layouts);
  return (i, body) => {
    f.get(p.morsel).get(i).i32(3).op('i32.shl').op('i32.add').tee(batch).mem('i32.load', 4).set(row);
    f.get(batch).mem('i32.load').set(batch);
    body.row();
  };
}

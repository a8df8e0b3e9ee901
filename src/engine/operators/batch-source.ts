/** Leaves over batches: one pipeline over the batches (or merged runs) of a scan, receive or virtual scan.
 *
 *  Strings of scans and shared scans are stable (their batches stay for the query), those of motions are not. Columns are loaded
 *  when they are first read. Dictionary columns are noted, for operators that can work on codes. */
import type { Column } from '../../plan/expr.js';
import type { ReceiveOp, ScanOp, SharedScanOp, VirtualScanOp } from '../../plan/physical.js';
import {
  BATCH_COLUMN_BYTES,
  BATCH_HEADER_BYTES,
  type ColumnLayout,
  type Encoding,
} from '../../types/memory.js';
import { typeRange } from '../../types/sql-type.js';
import { bindBatchColumns, bindMergedColumns } from '../codegen/columns.js';
import type { Local } from '../wasm/module-builder.js';
import type { Body, Consumer, Pipeline, SliceCompiler } from './pipeline.js';

const WORDS: ReadonlySet<Encoding> = new Set(['i8', 'i16', 'i32', 'i64', 'f32', 'f64']);

const VECTOR_BYTES: Partial<Record<Encoding, 1 | 2 | 4>> = { i8: 1, i16: 2, i32: 4 };

type Leaf = ScanOp | VirtualScanOp | ReceiveOp | SharedScanOp;

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
    { ordered: merged || (op.kind === 'sharedScan' && op.ordered), node: op.id, label },
    consumer,
    (p) =>
      merged ? mergedRows(p, columns, layouts) : batchRows(p, columns, layouts, consumer, isStable(op)),
  );
}

function isStable(op: Leaf): boolean {
  return op.kind === 'scan' || op.kind === 'sharedScan';
}

function batchRows(
  p: Pipeline,
  columns: readonly Column[],
  layouts: readonly ColumnLayout[],
  consumer: Consumer,
  stable: boolean,
): (i: Local, body: Body) => void {
  const { e } = p;
  bindBatchColumns(e, p.morsel, p.row, columns, layouts, stable).prologue();
  columns.forEach((column, j) => {
    if (!consumer.needs.has(column.id)) return;
    if (WORDS.has(layouts[j].encoding)) noteWord(p, column, j, layouts[j]);
    else noteDictionary(p, column, j, layouts[j], stable);
  });
  return (_, body) => body.row();
}

function noteWord(p: Pipeline, column: Column, j: number, layout: ColumnLayout): void {
  p.words.add(column.id);
  const bytes = VECTOR_BYTES[layout.encoding];
  if (bytes === undefined || (layout.nullable && column.nullable) || typeRange(column.type) === undefined)
    return;
  // Unsigned numbers do not compare as the signed lanes do.
  if (column.type.kind === 'oid' || column.type.kind.startsWith('reg') || column.type.kind === 'bool') return;
  const data = p.f.local('i32');
  p.f
    .get(p.morsel)
    .mem('i32.load', BATCH_HEADER_BYTES + j * BATCH_COLUMN_BYTES)
    .set(data);
  p.vectors.set(column.id, { data, bytes, type: column.type, range: column.range });
}

function noteDictionary(p: Pipeline, column: Column, j: number, layout: ColumnLayout, stable: boolean): void {
  const { e, f } = p;
  const { encoding } = layout;
  if (encoding !== 'dict8' && encoding !== 'dict16') return;
  const nullable = layout.nullable && column.nullable;
  const at = BATCH_HEADER_BYTES + j * BATCH_COLUMN_BYTES;
  const codes = f.local('i32');
  const refs = f.local('i32');
  const entries = f.local('i32');
  const count = f.local('i32');
  const validity = f.local('i32');
  f.get(p.morsel).mem('i32.load', at).set(codes);
  f.get(p.morsel)
    .mem('i32.load', at + 8)
    .set(refs);
  f.get(p.morsel)
    .mem('i32.load', at + 16)
    .tee(entries)
    .set(count);
  if (nullable) {
    f.get(entries).i32(1).op('i32.add').set(count);
    f.get(p.morsel)
      .mem('i32.load', at + 4)
      .set(validity);
  }
  const pushOwn = (): void => {
    f.get(codes).get(p.row);
    if (encoding === 'dict16') f.i32(1).op('i32.shl');
    f.op('i32.add').mem(encoding === 'dict8' ? 'i32.load8_u' : 'i32.load16_u');
  };
  p.dicts.set(column.id, {
    small: encoding === 'dict8',
    count,
    pushCode() {
      if (!nullable) {
        pushOwn();
        return;
      }
      f.get(validity).if(
        () => {
          pushOwn();
          f.get(entries);
          f.get(validity).get(p.row).i32(3).op('i32.shr_u').op('i32.add').mem('i32.load8_u');
          f.get(p.row).i32(7).op('i32.and').op('i32.shr_u').i32(1).op('i32.and').op('select');
        },
        pushOwn,
        'i32',
      );
    },
    load(code) {
      const ref = e.local('i64');
      f.i64(0n).set(ref);
      f.get(code).get(entries).op('i32.lt_u');
      f.if(() => f.get(refs).get(code).i32(3).op('i32.shl').op('i32.add').mem('i64.load').set(ref));
      let isNull: Local | undefined;
      if (nullable) {
        f.get(code).get(entries).op('i32.eq');
        isNull = e.save('i32');
      }
      return { type: column.type, repr: 'str', parts: [ref], isNull, stable };
    },
  });
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

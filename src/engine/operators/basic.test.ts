import { expect, test } from 'vitest';
import type { Column, Expr } from '../../plan/expr.js';
import type { PhysicalOp, Slice } from '../../plan/physical.js';
import type { ColId, SliceId, StorageId } from '../../types/ids.js';
import { BOOL, INT4, INT8, type SqlType, TEXT } from '../../types/sql-type.js';
import { runSlice } from './testing.js';

let nextId = 1;
export function column(name: string, type: SqlType, nullable = false): Column {
  return { id: nextId++ as ColId, name, type, nullable };
}

export function colExpr(c: Column): Expr {
  return { kind: 'col', id: c.id, type: c.type, nullable: c.nullable };
}

function scan(cols: readonly Column[], filter?: Expr): PhysicalOp {
  return {
    kind: 'scan',
    id: nextId++,
    cols,
    rows: 1,
    cost: 1,
    storageId: 1 as StorageId,
    table: 't',
    tableOid: 1,
    ordinals: cols.map((_, i) => i),
    scanCols: cols,
    filter,
    zone: [],
  };
}

function slice(root: PhysicalOp, cols = root.cols): Slice {
  return { id: 0 as SliceId, root, sink: { kind: 'result', cols }, gang: [] };
}

test('scan, filter, result', () => {
  const a = column('a', INT4, true);
  const b = column('b', TEXT, true);
  const root = scan([a, b], { kind: 'cmp', op: '>', left: colExpr(a), right: { kind: 'const', value: 2, type: INT4 } });
  const rows = [
    [1, 'x'],
    [3, 'yy'],
    [null, 'n'],
    [4, null],
  ];
  const r = runSlice(slice(root), new Map([[root.id, rows]]));
  expect(r.rows).toEqual([
    [3, 'yy'],
    [4, null],
  ]);
  expect(r.leakedBytes).toBe(0);
});
void BOOL;
void INT8;

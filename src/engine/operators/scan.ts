/** Leaves over batches: scan (with its filter), receive, virtual scan, shared scan. */

import { columnsOf } from '../../plan/expr-util.js';
import type { ReceiveOp, ScanOp, SharedScanOp, VirtualScanOp } from '../../plan/physical.js';
import { produceBatches } from './batch-source.js';
import { filteredSource } from './filter.js';
import { type Consumer, type SliceCompiler, union } from './pipeline.js';

export function produceScan(c: SliceCompiler, op: ScanOp, consumer: Consumer): void {
  const label = `scan ${op.table}`;
  const filters = op.runtimeFilters ?? [];
  if (op.filter === undefined && filters.length === 0) {
    produceBatches(c, op, op.scanCols, label, consumer);
    return;
  }
  const needs = union(
    consumer.needs,
    op.filter === undefined ? [] : columnsOf(op.filter),
    filters.map((u) => u.column.id),
  );
  produceBatches(c, op, op.scanCols, label, {
    needs,
    open: (p) => filteredSource(p, c, op.filter, filters, op.scanCols, consumer.open(p)),
  });
}

export function produceReceive(c: SliceCompiler, op: ReceiveOp, consumer: Consumer): void {
  produceBatches(c, op, op.cols, `receive motion ${op.motion}`, consumer);
}

export function produceVirtualScan(c: SliceCompiler, op: VirtualScanOp, consumer: Consumer): void {
  produceBatches(c, op, op.cols, `scan ${op.schema}.${op.table}`, consumer);
}

export function produceSharedScan(c: SliceCompiler, op: SharedScanOp, consumer: Consumer): void {
  produceBatches(c, op, op.cols, op.name === undefined ? 'shared scan' : `scan of WITH ${op.name}`, consumer);
}

/** Constant rows (VALUES, SELECT without FROM). One row is straight code; more are a loop that picks row i's values, so
 *  that what follows is emitted once. */
import { exprNullable, exprType } from '../../plan/expr-util.js';
import type { ValuesOp } from '../../plan/physical.js';
import { reprOf } from '../../types/sql-type.js';
import { reprParts, type Val } from '../codegen/val.js';
import { coerceRepr } from '../codegen/value-ops.js';
import type { Consumer, SliceCompiler } from './pipeline.js';

const ROWS_PER_GROUP = 32;

export function produceValues(c: SliceCompiler, op: ValuesOp, consumer: Consumer): void {
  const rows = op.valueRows;
  c.pipeline({ kind: 'once' }, { node: op.id, label: 'values' }, consumer, (p) => {
    const { e, f } = p;
    return (_, body) => {
      if (rows.length === 0) return;
      if (rows.length === 1) {
        op.cols.forEach((col, i) => {
          if (consumer.needs.has(col.id)) e.bind(col.id, () => e.emit(rows[0][i]));
        });
        body.row();
        return;
      }
      const row = f.local('i32');
      const read = op.cols.flatMap((col, i) => (consumer.needs.has(col.id) ? [{ col, i }] : []));
      const cells = read.map(({ col, i }) => {
        const repr = reprOf(col.type, col.range);
        const nullable = rows.some((r) => exprNullable(r[i]) || exprType(r[i]).kind === 'unknown');
        return {
          i,
          parts: reprParts(repr).map((t) => f.local(t)),
          isNull: nullable ? f.local('i32') : undefined,
          val: { type: col.type, repr, range: col.range } as const,
        };
      });
      const assign = (k: number): void => {
        e.scoped(() => {
          for (const cell of cells) {
            const emitted = e.emit(rows[k][cell.i]);
            if (cell.isNull) e.pushNull(emitted).set(cell.isNull);
            if (emitted.isNull !== undefined && 'const' in emitted.isNull && emitted.isNull.const === 1)
              continue;
            const v = coerceRepr(e, emitted, cell.val.repr);
            for (const [n, part] of cell.parts.entries()) e.push(v.parts[n]).set(part);
          }
        });
      };
      f.i32(0).set(row);
      f.loop((again) => {
        f.block((chosen) => {
          for (let g = 0; g < rows.length; g += ROWS_PER_GROUP) {
            f.get(row)
              .i32(g + ROWS_PER_GROUP)
              .op('i32.lt_u');
            f.if(() => {
              for (let k = g; k < Math.min(rows.length, g + ROWS_PER_GROUP); k++) {
                f.get(row).i32(k).op('i32.eq');
                f.if(() => {
                  assign(k);
                  f.br(chosen);
                });
              }
            });
          }
        });
        e.scoped(() => {
          cells.forEach((cell, n) => {
            const val: Val = { ...cell.val, parts: cell.parts, isNull: cell.isNull, stable: false };
            e.bind(read[n].col.id, val);
          });
          body.row();
        });
        f.get(row).i32(1).op('i32.add').tee(row).i32(rows.length).op('i32.lt_u').brIf(again);
      });
    };
  });
}

/** UNION ALL: the rows of every input, each in its own pipeline. No order is kept between or within them. */
import type { AppendOp } from '../../plan/physical.js';
import type { ColId } from '../../types/ids.js';
import type { Consumer, SliceCompiler } from './pipeline.js';

export function produceAppend(c: SliceCompiler, op: AppendOp, consumer: Consumer): void {
  op.inputs.forEach((input, k) => {
    const needs = new Set<ColId>();
    op.cols.forEach((col, i) => {
      if (consumer.needs.has(col.id)) needs.add(op.inputCols[k][i].id);
    });
    c.produce(input, {
      needs,
      open(p) {
        p.labels.push('append');
        const body = consumer.open(p);
        return {
          row() {
            op.cols.forEach((col, i) => {
              const from = op.inputCols[k][i].id;
              if (consumer.needs.has(col.id) && from !== col.id) p.e.bind(col.id, () => p.e.column(from));
            });
            body.row();
          },
          close: body.close,
        };
      },
    });
  });
}

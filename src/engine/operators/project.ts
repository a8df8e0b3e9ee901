/** Computes expressions; each is evaluated when somebody first reads its column, so an unread one costs nothing. */
import { columnsOf } from '../../plan/expr-util.js';
import type { ProjectOp } from '../../plan/physical.js';
import type { ColId } from '../../types/ids.js';
import type { Consumer, SliceCompiler } from './pipeline.js';

export function produceProject(c: SliceCompiler, op: ProjectOp, consumer: Consumer): void {
  const produced = new Set(op.cols.map((col) => col.id));
  const needs = new Set<ColId>();
  for (const id of consumer.needs) if (!produced.has(id)) needs.add(id);
  op.exprs.forEach((x, i) => {
    if (consumer.needs.has(op.cols[i].id)) columnsOf(x, needs);
  });
  c.produce(op.input, {
    needs,
    open(p) {
      p.labels.push('project');
      op.exprs.forEach((x, i) => {
        const dict = x.kind === 'col' ? p.dicts.get(x.id) : undefined;
        if (dict) p.dicts.set(op.cols[i].id, dict);
      });
      const body = consumer.open(p);
      return {
        row() {
          op.exprs.forEach((x, i) => {
            const col = op.cols[i];
            // A column passed through under its own id keeps its binding.
            if (x.kind === 'col' && x.id === col.id) return;
            if (consumer.needs.has(col.id)) p.e.bind(col.id, () => p.e.emit(x), col);
          });
          body.row();
        },
        close: body.close,
      };
    },
  });
}

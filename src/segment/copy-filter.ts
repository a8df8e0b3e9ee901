/** COPY's WHERE over parsed columns, row by row: only to find the first row in error, the slice filters rows itself. */
import { copyFieldId } from '../exchange/control-messages.js';
import { canFail, evaluate } from '../plan/evaluate.js';
import type { Expr } from '../plan/expr.js';
import { columnValue } from '../types/columnar.js';
import type { CopyColumn, CopyContext, CopyFilter } from '../types/copy-text.js';
import type { ColId } from '../types/ids.js';

export function copyFilter(where: Expr, columns: readonly CopyColumn[], context: CopyContext): CopyFilter {
  const fields = new Map<ColId, number>(columns.map((_, i) => [copyFieldId(i), i]));
  return {
    canFail: canFail(where),
    keeps: (parsed, row) => {
      const column = (id: ColId) => {
        const i = fields.get(id);
        if (i === undefined) throw new Error(`column #${id} is no field of the line`);
        return columnValue(columns[i]!.type, parsed[i]!, row);
      };
      return evaluate(where, { functions: context.settings, column }) === true;
    },
  };
}

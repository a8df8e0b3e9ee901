/** Functions that look things up in the catalog or signal sessions, which only the master has: their rows are gathered
 *  first. */
import type { Expr } from '../expr.js';
import { someExpr } from '../expr-util.js';

const LOOKS_UP =
  /^(to_reg\w+|pg_get_\w+|pg_\w+_is_visible|pg_\w+_size|pg_size_pretty|format_type|\w*obj_description|col_description|current_setting|pg_(cancel|terminate)_backend|has_\w+_privilege)\(/;

export function needsCatalog(e: Expr): boolean {
  return someExpr(
    e,
    (x) =>
      x.kind === 'call' &&
      (LOOKS_UP.test(x.fn) ||
        (x.fn.startsWith('cast(') && /\breg\w+/.test(x.fn) && /text|varchar|name/.test(x.fn))),
  );
}

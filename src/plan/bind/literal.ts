/** Literals as PostgreSQL types them: integers by size, decimals numeric with their exact precision and scale,
 *  strings and NULL unknown until a context types them. */
import type { A_Const } from 'libpg-query';
import { parseNumeric } from '../../types/numeric.js';
import { BOOL, INT4, INT8, NUMERIC, UNKNOWN } from '../../types/sql-type.js';
import type { Expr } from '../expr.js';
import type { BindContext } from './context.js';
import { exactType } from './fold.js';

export function bindConstant(ctx: BindContext, c: A_Const): Expr {
  const at = c.location ?? 0;
  if (c.isnull === true) return ctx.at({ kind: 'const', value: null, type: UNKNOWN }, at);
  if (c.boolval !== undefined)
    return ctx.at({ kind: 'const', value: c.boolval.boolval === true, type: BOOL }, at);
  if (c.ival !== undefined) return ctx.at({ kind: 'const', value: c.ival.ival ?? 0, type: INT4 }, at);
  if (c.fval !== undefined) return ctx.at(number(c.fval.fval ?? '0'), at);
  if (c.sval !== undefined) return ctx.at({ kind: 'const', value: c.sval.sval ?? '', type: UNKNOWN }, at);
  throw ctx.notSupported('a bit string literal', at);
}

function number(text: string): Expr {
  const digits = text.replaceAll('_', '');
  if (/^-?(\d+|0[xob][0-9a-f]+)$/i.test(digits)) {
    const n = digits.startsWith('-') ? -BigInt(digits.slice(1)) : BigInt(digits);
    if (n >= -(1n << 31n) && n < 1n << 31n) return { kind: 'const', value: Number(n), type: INT4 };
    if (n >= -(1n << 63n) && n < 1n << 63n) return { kind: 'const', value: n, type: INT8 };
  }
  const value = parseNumeric(digits);
  return { kind: 'const', value, type: exactType(value, NUMERIC) };
}

/** The functions of pg_catalog that psql calls in FROM and that give several columns. */
import type { FuncCall } from 'libpg-query';
import { BOOL, INT4, type SqlType, TEXT } from '../../types/sql-type.js';
import type { Expr } from '../expr.js';
import { col, exprType, when } from '../expr-util.js';
import { project, values } from '../logical/builders.js';
import type { LogicalPlan } from '../logical/nodes.js';
import { unnestPlan } from './array.js';
import { locationOf, namesOf } from './ast.js';
import { callByName } from './call.js';
import { coerceTo } from './coerce.js';
import type { Binding } from './level.js';
import { bindOperator } from './operator.js';

const REGCLASS: SqlType = { kind: 'regclass' };

/** Undefined when it is no such function. */
export function catalogFunctionPlan(b: Binding, f: FuncCall): LogicalPlan | undefined {
  const names = namesOf(f.funcname);
  if (names.length > 1 && names[0] !== 'pg_catalog') return undefined;
  switch (names.at(-1)) {
    case 'pg_options_to_table':
      return optionsPlan(b, f);
    case 'pg_partition_tree':
      return noPartitions(b, f);
    default:
      return undefined;
  }
}

/** `{name=value}` to rows. */
function optionsPlan(b: Binding, f: FuncCall): LogicalPlan {
  const { ctx } = b;
  const options = unnestPlan(b, f, 'option');
  const at = f.location;
  const text = coerceTo(ctx, col(options.cols[0]!), TEXT);
  const equals = { kind: 'const', value: '=', type: TEXT } as const;
  const one = { kind: 'const', value: 1, type: INT4 } as const;
  const place = callByName(b, 'strpos', [text, equals], at);
  const name = callByName(b, 'split_part', [text, equals, one], at);
  const rest = callByName(b, 'substr', [text, bindOperator(ctx, '+', place, one, at)], at);
  const value: Expr = {
    kind: 'case',
    whens: [when(bindOperator(ctx, '<', place, one, at), { kind: 'const', value: null, type: TEXT })],
    otherwise: rest,
    type: TEXT,
  };
  return project(
    options,
    [name, value],
    [ctx.column('option_name', exprType(name), true), ctx.column('option_value', exprType(value), true)],
  );
}

/** No table has partitions, and one that has none is no tree. */
function noPartitions(b: Binding, f: FuncCall): LogicalPlan {
  const { ctx } = b;
  const [argument] = f.args ?? [];
  if (argument === undefined)
    throw ctx.error('42883', 'function pg_partition_tree() does not exist', f.location);
  coerceTo(ctx, ctx.at(b.bind(argument), locationOf(argument)), REGCLASS);
  return values(
    [],
    [
      ctx.column('relid', REGCLASS, true),
      ctx.column('parentrelid', REGCLASS, true),
      ctx.column('isleaf', BOOL, true),
      ctx.column('level', INT4, true),
    ],
  );
}

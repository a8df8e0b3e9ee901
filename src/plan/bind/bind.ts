/** The binder's entrance: a parsed statement and a catalog to a bound statement.
 *
 *  Pure: the same text, catalog and options give the same result. Throws SqlError for whatever is wrong with the
 *  statement, 0A000 with the feature's name for what is not supported. */
import type { Node, SelectStmt } from 'libpg-query';
import { SqlError } from '../../types/sql-error.js';
import type { Catalog } from '../catalog.js';
import type { ParsedStatement } from '../sql/parse.js';
import { BindContext, type BindOptions } from './context.js';
import { declaredTypes } from './declared-type.js';
import { bindQuery } from './query.js';
import type { BoundStatement, QueryStatement } from './statement.js';
import { bindUtility, type Unfinished } from './utility.js';

export type { BindOptions } from './context.js';

export function bindStatement(
  parsed: ParsedStatement,
  catalog: Catalog,
  options: BindOptions,
): BoundStatement {
  const ctx = new BindContext(catalog, parsed.source, options);
  try {
    const bound = bindNode(ctx, parsed, parsed.node);
    const paramTypes = ctx.finishedParamTypes();
    const { notices } = ctx;
    // A view is made by whoever can look at what it names; it is read with its owner's rights.
    const accesses = bound.kind === 'createView' ? [] : ctx.accesses;
    // What EXPLAIN explains has the statement's parameters.
    if (bound.kind === 'explain')
      return { ...bound, statement: { ...bound.statement, paramTypes }, paramTypes, notices, accesses };
    return { ...bound, paramTypes, notices, accesses };
  } catch (e) {
    if (e instanceof RangeError && /call stack/i.test(e.message))
      throw new SqlError('54001', 'stack depth limit exceeded', {
        hint: 'Write the statement with less nesting, or as several statements.',
      });
    throw e;
  }
}

function bindNode(ctx: BindContext, parsed: ParsedStatement, node: Node): Unfinished {
  if ('SelectStmt' in node && node.SelectStmt.intoClause === undefined)
    return bindTopQuery(ctx, node.SelectStmt);
  return bindUtility(ctx, parsed, node, (inner, n) => bindNode(inner, parsed, n));
}

function bindTopQuery(ctx: BindContext, s: SelectStmt): QueryStatement {
  const { plan, names } = bindQuery(ctx, s, undefined);
  const declared = declaredTypes(plan);
  return {
    kind: 'query',
    plan,
    output: plan.cols.map((column, i) => ({
      name: names[i],
      column,
      declaredType: declared[i],
      origin: ctx.origins.get(column.id),
    })),
  };
}

/** CREATE TABLE AS and SELECT INTO: the columns PostgreSQL would declare, and a source that gives exactly those types. */
import type { CreateTableAsStmt, RangeVar, SelectStmt } from 'libpg-query';
import { NUMERIC, sameType, typeName } from '../../types/sql-type.js';
import { isScaled } from '../../types/stored-numeric.js';
import type { ColumnDef } from '../catalog.js';
import { col } from '../expr-util.js';
import { project } from '../logical/builders.js';
import type { DistributedClause } from '../sql/distributed-clause.js';
import { namesOf, selectOf } from './ast.js';
import { coerce, retype } from './coerce.js';
import type { BindContext } from './context.js';
import { declaredTypes } from './declared-type.js';
import {
  COLUMN_KINDS,
  checkAccessMethod,
  checkPersistence,
  creationSchema,
  distributionOf,
} from './new-table.js';
import { bindQuery } from './query.js';
import type { NewTable, UtilityStatement } from './statement.js';

export function bindCreateTableAs(
  ctx: BindContext,
  s: CreateTableAsStmt,
  distributed: DistributedClause | undefined,
): UtilityStatement {
  if (s.objtype === 'OBJECT_MATVIEW') throw ctx.notSupported('materialized views', s.into?.rel?.location);
  const select = selectOf(s.query);
  if (select === undefined) throw ctx.notSupported('CREATE TABLE AS EXECUTE', s.into?.rel?.location);
  const into = s.into;
  if (into?.rel === undefined) throw new Error('CREATE TABLE AS without a name');
  const at = into.rel.location;
  if ((into.options ?? []).length > 0) throw ctx.notSupported('storage parameters', at);
  if (into.onCommit !== undefined && into.onCommit !== 'ONCOMMIT_NOOP')
    throw ctx.notSupported('ON COMMIT', at);
  if (into.tableSpaceName !== undefined) throw ctx.notSupported('tablespaces', at);
  checkAccessMethod(ctx, into.accessMethod);
  return tableFromQuery(
    ctx,
    into.rel,
    namesOf(into.colNames),
    select,
    distributed,
    s.if_not_exists === true,
    into.skipData !== true,
    false,
  );
}

export function bindSelectInto(ctx: BindContext, s: SelectStmt): UtilityStatement {
  const rel = s.intoClause?.rel;
  if (rel === undefined) throw new Error('SELECT INTO without a name');
  const { intoClause: _into, ...select } = s;
  return tableFromQuery(ctx, rel, namesOf(s.intoClause?.colNames), select, undefined, false, true, true);
}

function tableFromQuery(
  ctx: BindContext,
  rel: RangeVar,
  given: readonly string[],
  select: SelectStmt,
  distributed: DistributedClause | undefined,
  ifNotExists: boolean,
  withData: boolean,
  selectInto: boolean,
): UtilityStatement {
  checkPersistence(ctx, rel, 'tables');
  const schema = creationSchema(ctx, rel);
  const { plan, names } = bindQuery(ctx, select, undefined);
  if (given.length > names.length) throw ctx.error('42601', 'too many column names were specified', -1);
  const types = declaredTypes(plan);
  const columns = types.map((type, i): ColumnDef => {
    const name = given[i] ?? names[i];
    if (!COLUMN_KINDS.has(type.kind) && type.kind !== 'name')
      throw ctx.notSupported(`a column of type ${typeName(type)}`, -1);
    return { name, type: type.kind === 'name' ? { kind: 'text' } : type, notNull: false };
  });
  for (const [i, c] of columns.entries())
    if (columns.findIndex((x) => x.name === c.name) !== i)
      throw ctx.error('42701', `column "${c.name}" specified more than once`, -1);
  const exprs = plan.cols.map((c, i) => {
    const { type } = columns[i];
    // What is declared has been applied; a scale that is not known is not for fear of NaN.
    if (isScaled(type) && sameType(c.type, NUMERIC)) return col(c);
    return retype(ctx, coerce(ctx, col(c), type, 'explicit') ?? col(c), type);
  });
  const source = project(
    plan,
    exprs,
    exprs.map((e, i) => {
      const c = plan.cols[i];
      return e.kind === 'col' ? c : ctx.column(columns[i].name, columns[i].type, c.nullable);
    }),
  );
  const table: NewTable = {
    schema,
    name: rel.relname ?? '',
    columns,
    primaryKey: undefined,
    distribution: distributionOf(ctx, distributed, columns, undefined),
  };
  return { kind: 'createTableAs', table, ifNotExists, withData, source, selectInto };
}

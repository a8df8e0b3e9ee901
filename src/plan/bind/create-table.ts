/** CREATE TABLE: columns, keys and distribution of a new table.
 *
 *  Uniqueness is not enforced: a primary key gives NOT NULL and the default distribution, and a notice says so.
 *  Whether the name is free is the master's to find out, under its lock. Source: PostgreSQL 15, parse_utilcmd.c. */
import type { ColumnDef as AstColumn, Constraint, CreateStmt, Node, TableLikeClause } from 'libpg-query';
import { isStringType, type SqlType, typeName } from '../../types/sql-type.js';
import type { ColumnDef } from '../catalog.js';
import type { Expr } from '../expr.js';
import { exprType, hasSubquery } from '../expr-util.js';
import type { DistributedClause } from '../sql/distributed-clause.js';
import { namesOf } from './ast.js';
import { coerce, written } from './coerce.js';
import { checkCollation } from './collation.js';
import type { BindContext } from './context.js';
import { defaultText } from './default-text.js';
import { findRelationDef } from './from.js';
import { QueryLevel } from './level.js';
import {
  COLUMN_KINDS,
  checkAccessMethod,
  checkPersistence,
  creationSchema,
  distributionOf,
} from './new-table.js';
import { makeBinding } from './query.js';
import type { UtilityStatement } from './statement.js';
import { bare } from './type-family.js';
import { resolveTypeName } from './type-name.js';

type Draft = {
  name: string;
  type: SqlType;
  notNull: boolean | undefined;
  defaultExpr: Expr | undefined;
  defaultSql: string | undefined;
};

type NamedKey = { readonly constraint: Constraint; readonly names: readonly string[] };

/** Primary keys and UNIQUE, and references to other tables. */
type Keys = { readonly own: NamedKey[]; readonly foreign: NamedKey[] };

const COLUMNS_MAX = 1600;

/** Clauses that stand behind a constraint and belong to it. */
const ATTRIBUTES: Readonly<Record<string, string | undefined>> = {
  CONSTR_ATTR_DEFERRABLE: 'DEFERRABLE',
  CONSTR_ATTR_NOT_DEFERRABLE: 'NOT DEFERRABLE',
  CONSTR_ATTR_DEFERRED: 'INITIALLY DEFERRED',
  CONSTR_ATTR_IMMEDIATE: 'INITIALLY IMMEDIATE',
};

export function bindCreateTable(
  ctx: BindContext,
  s: CreateStmt,
  distributed: DistributedClause | undefined,
): UtilityStatement {
  const relation = s.relation;
  if (relation === undefined) throw new Error('CREATE TABLE without a name');
  checkPersistence(ctx, relation, 'tables');
  const at = relation.location;
  if ((s.inhRelations ?? []).length > 0)
    throw ctx.notSupported(s.partbound === undefined ? 'table inheritance' : 'partitions', at);
  if (s.partspec !== undefined) throw ctx.notSupported('partitioned tables', s.partspec.location ?? at);
  if (s.ofTypename !== undefined) throw ctx.notSupported('typed tables', at);
  if (s.oncommit !== undefined && s.oncommit !== 'ONCOMMIT_NOOP') throw ctx.notSupported('ON COMMIT', at);
  if (s.tablespacename !== undefined) throw ctx.notSupported('tablespaces', at);
  if ((s.options ?? []).length > 0)
    throw ctx.notSupported('storage parameters', defLocation(s.options![0]) ?? at);
  checkAccessMethod(ctx, s.accessMethod);
  const schema = creationSchema(ctx, relation);
  const table = relation.relname ?? '';
  const columns: Draft[] = [];
  const keys: Keys = { own: [], foreign: [] };
  for (const n of s.tableElts ?? []) {
    if ('ColumnDef' in n) bindColumn(ctx, table, n.ColumnDef, columns, keys);
    else if ('Constraint' in n) bindTableConstraint(ctx, n.Constraint, keys);
    else if ('TableLikeClause' in n) copyColumns(ctx, n.TableLikeClause, columns, keys);
    else throw ctx.notSupported('this table element', at);
  }
  if (columns.length > COLUMNS_MAX)
    throw ctx.error('54011', `tables can have at most ${COLUMNS_MAX} columns`, -1);
  const primaryKey = bindKeys(ctx, table, columns, keys.own);
  checkForeignKeys(ctx, { schema, name: table }, columns, primaryKey, keys.foreign);
  return {
    kind: 'createTable',
    ifNotExists: s.if_not_exists === true,
    table: {
      schema,
      name: table,
      columns: columns.map(finished),
      primaryKey,
      distribution: distributionOf(ctx, distributed, columns, primaryKey),
    },
  };
}

function finished(c: Draft): ColumnDef {
  return {
    name: c.name,
    type: c.type,
    notNull: c.notNull === true,
    ...(c.defaultExpr === undefined ? {} : { defaultExpr: c.defaultExpr }),
    ...(c.defaultSql === undefined ? {} : { defaultSql: c.defaultSql }),
  };
}

function defLocation(n: Node): number | undefined {
  return 'DefElem' in n ? n.DefElem.location : undefined;
}

function bindColumn(ctx: BindContext, table: string, c: AstColumn, columns: Draft[], keys: Keys): void {
  const name = c.colname ?? '';
  if (columns.some((x) => x.name === name))
    throw ctx.error('42701', `column "${name}" specified more than once`, -1);
  if (c.typeName === undefined) throw ctx.notSupported('a column without a type', c.location);
  const type = resolveTypeName(ctx, c.typeName);
  if (type.kind === 'void') throw ctx.error('42P16', `column "${name}" has pseudo-type void`, -1);
  if (!COLUMN_KINDS.has(type.kind))
    throw ctx.notSupported(`a column of type ${typeName(type)}`, c.typeName.location);
  if (c.storage_name !== undefined) throw ctx.notSupported('STORAGE', c.location);
  if (c.compression !== undefined) throw ctx.notSupported('COMPRESSION', c.location);
  if (c.collClause !== undefined) {
    if (!isStringType(type))
      throw ctx.error(
        '42804',
        `collations are not supported by type ${typeName(bare(type))}`,
        c.collClause.location,
      );
    checkCollation(ctx, namesOf(c.collClause.collname).at(-1) ?? '', c.collClause.location);
  }
  const draft: Draft = { name, type, notNull: undefined, defaultExpr: undefined, defaultSql: undefined };
  columns.push(draft);
  // What DEFERRABLE and its kin belong to.
  let attributed: Constraint | undefined;
  for (const n of c.constraints ?? []) {
    if (!('Constraint' in n)) continue;
    const k = n.Constraint;
    const word = ATTRIBUTES[k.contype ?? ''];
    if (word !== undefined) {
      if (attributed === undefined) throw ctx.error('42601', `misplaced ${word} clause`, k.location);
      if (attributed.contype !== 'CONSTR_FOREIGN' && (word === 'DEFERRABLE' || word === 'INITIALLY DEFERRED'))
        throw ctx.notSupported('DEFERRABLE constraints', k.location);
      continue;
    }
    attributed = undefined;
    switch (k.contype) {
      case 'CONSTR_NULL':
      case 'CONSTR_NOTNULL': {
        const notNull = k.contype === 'CONSTR_NOTNULL';
        if (k.is_no_inherit === true) throw ctx.notSupported('NO INHERIT', k.location);
        if (draft.notNull !== undefined && draft.notNull !== notNull)
          throw ctx.error(
            '42601',
            `conflicting NULL/NOT NULL declarations for column "${name}" of table "${table}"`,
            k.location,
          );
        draft.notNull = notNull;
        break;
      }
      case 'CONSTR_DEFAULT':
        if (draft.defaultExpr !== undefined)
          throw ctx.error(
            '42601',
            `multiple default values specified for column "${name}" of table "${table}"`,
            k.location,
          );
        if (k.raw_expr !== undefined) {
          draft.defaultExpr = bindDefault(ctx, name, type, k.raw_expr);
          draft.defaultSql = defaultText(ctx.source, k);
        }
        break;
      case 'CONSTR_PRIMARY':
      case 'CONSTR_UNIQUE':
        checkKey(ctx, k);
        keys.own.push({ constraint: k, names: [name] });
        attributed = k;
        break;
      case 'CONSTR_FOREIGN':
        keys.foreign.push({ constraint: k, names: [name] });
        attributed = k;
        break;
      case 'CONSTR_CHECK':
        throw ctx.notSupported('CHECK constraints', k.location);
      case 'CONSTR_IDENTITY':
        throw ctx.notSupported('identity columns', k.location);
      case 'CONSTR_GENERATED':
        throw ctx.notSupported('generated columns', k.location);
      default:
        throw ctx.notSupported('this kind of constraint', k.location);
    }
  }
}

/** PostgreSQL's TableLikeOption: INCLUDING DEFAULTS, INCLUDING INDEXES. */
const LIKE_DEFAULTS = 1 << 3;
const LIKE_INDEXES = 1 << 6;

/** `LIKE table`: names, types and NOT NULL; defaults and the primary key when they are included. */
function copyColumns(ctx: BindContext, l: TableLikeClause, columns: Draft[], keys: Keys): void {
  if (l.relation === undefined) throw new Error('LIKE without a table');
  const source = findRelationDef(ctx, l.relation);
  const access = ctx.access(source, 'r');
  for (const i of source.columns.keys()) access.columns.add(i);
  for (const c of source.columns) {
    if (columns.some((x) => x.name === c.name))
      throw ctx.error('42701', `column "${c.name}" specified more than once`, -1);
    const def: ColumnDef = 'notNull' in c ? c : { ...c, notNull: false };
    if (!COLUMN_KINDS.has(def.type.kind))
      throw ctx.notSupported(`a column of type ${typeName(def.type)}`, l.relation.location);
    const withDefault = ((l.options ?? 0) & LIKE_DEFAULTS) !== 0;
    columns.push({
      name: def.name,
      type: def.type,
      notNull: def.notNull ? true : undefined,
      defaultExpr: withDefault ? def.defaultExpr : undefined,
      defaultSql: withDefault ? def.defaultSql : undefined,
    });
  }
  const key =
    source.kind === 'table' && ((l.options ?? 0) & LIKE_INDEXES) !== 0 ? source.primaryKey : undefined;
  if (key !== undefined)
    keys.own.push({
      constraint: { contype: 'CONSTR_PRIMARY', location: l.relation.location ?? -1 },
      names: key.map((o) => source.columns[o].name),
    });
}

function bindTableConstraint(ctx: BindContext, k: Constraint, keys: Keys): void {
  switch (k.contype) {
    case 'CONSTR_PRIMARY':
    case 'CONSTR_UNIQUE':
      checkKey(ctx, k);
      keys.own.push({ constraint: k, names: namesOf(k.keys) });
      break;
    case 'CONSTR_FOREIGN':
      keys.foreign.push({ constraint: k, names: namesOf(k.fk_attrs) });
      break;
    case 'CONSTR_CHECK':
      throw ctx.notSupported('CHECK constraints', k.location);
    case 'CONSTR_EXCLUSION':
      throw ctx.notSupported('EXCLUDE constraints', k.location);
    default:
      throw ctx.notSupported('this kind of constraint', k.location);
  }
}

/** What a primary key or UNIQUE may not have. */
function checkKey(ctx: BindContext, k: Constraint): void {
  const says = (feature: string): never => {
    throw ctx.notSupported(feature, k.location);
  };
  if (k.deferrable === true) says('DEFERRABLE constraints');
  if ((k.including ?? []).length > 0) says('INCLUDE columns');
  if ((k.options ?? []).length > 0) says('storage parameters');
  if (k.indexspace !== undefined) says('tablespaces');
  if (k.nulls_not_distinct === true) says('NULLS NOT DISTINCT');
  if (k.without_overlaps === true) says('WITHOUT OVERLAPS');
}

/** They are not enforced, and a warning says so; but what they name must exist. Source: PostgreSQL 15, tablecmds.c
 *  (ATAddForeignKeyConstraint). */
function checkForeignKeys(
  ctx: BindContext,
  self: { readonly schema: string; readonly name: string },
  columns: readonly Draft[],
  primaryKey: readonly number[] | undefined,
  keys: readonly NamedKey[],
): void {
  for (const { constraint: k, names } of keys) {
    const target = k.pktable;
    if (target === undefined) throw new Error('a foreign key without a table');
    const toSelf = target.relname === self.name && (target.schemaname ?? self.schema) === self.schema;
    const found = toSelf ? undefined : findRelationDef(ctx, target, 'nowhere');
    if (found !== undefined && found.kind !== 'table')
      throw ctx.error('42809', `referenced relation "${found.name}" is not a table`, -1);
    const theirs = found?.columns ?? columns;
    const theirKey = found === undefined ? primaryKey : found.primaryKey;
    const named = namesOf(k.pk_attrs);
    for (const [list, all] of [
      [names, columns],
      [named, theirs],
    ] as const)
      for (const name of list)
        if (!all.some((c) => c.name === name))
          throw ctx.error(
            '42703',
            `column "${name}" referenced in foreign key constraint does not exist`,
            -1,
          );
    if (named.length === 0 && theirKey === undefined)
      throw ctx.error('42704', `there is no primary key for referenced table "${target.relname}"`, -1);
    if (names.length !== (named.length === 0 ? theirKey?.length : named.length))
      throw ctx.error('42830', 'number of referencing and referenced columns for foreign key disagree', -1);
    if (found !== undefined) {
      const access = ctx.access(found, 'x');
      const ordinals =
        named.length === 0 ? (theirKey ?? []) : named.map((n) => theirs.findIndex((c) => c.name === n));
      for (const i of ordinals) access.columns.add(i);
    }
    ctx.notices.push({
      severity: 'WARNING',
      code: '01000',
      message: 'referential integrity (FOREIGN KEY) constraints are accepted but not enforced',
    });
  }
}

function bindKeys(
  ctx: BindContext,
  table: string,
  columns: readonly Draft[],
  keys: readonly NamedKey[],
): readonly number[] | undefined {
  let primary: readonly number[] | undefined;
  for (const { constraint: k, names } of keys) {
    const isPrimary = k.contype === 'CONSTR_PRIMARY';
    const word = isPrimary ? 'primary key' : 'unique';
    const ordinals = names.map((name, i) => {
      const ordinal = columns.findIndex((c) => c.name === name);
      if (ordinal < 0) throw ctx.error('42703', `column "${name}" named in key does not exist`, k.location);
      if (names.indexOf(name) !== i)
        throw ctx.error('42701', `column "${name}" appears twice in ${word} constraint`, k.location);
      return ordinal;
    });
    if (isPrimary) {
      if (primary !== undefined)
        throw ctx.error('42P16', `multiple primary keys for table "${table}" are not allowed`, k.location);
      primary = ordinals;
      for (const o of ordinals) {
        if (columns[o].notNull === false)
          throw ctx.error(
            '42601',
            `conflicting NULL/NOT NULL declarations for column "${columns[o].name}" of table "${table}"`,
            k.location,
          );
        columns[o].notNull = true;
      }
    }
    ctx.notices.push({
      severity: 'NOTICE',
      code: '00000',
      message: `${isPrimary ? 'PRIMARY KEY' : 'UNIQUE'} (${names.join(', ')}) of table "${table}" is accepted but not enforced`,
    });
  }
  return primary;
}

function bindDefault(ctx: BindContext, column: string, type: SqlType, n: Node): Expr {
  const level = new QueryLevel(undefined);
  level.clause = 'DEFAULT expressions';
  const e = makeBinding(ctx, level).bind(n);
  if (hasSubquery(e))
    throw ctx.error('0A000', 'cannot use subquery in DEFAULT expression', ctx.locationOf(e) ?? -1);
  const r = coerce(ctx, e, type, 'assignment');
  if (r === undefined)
    throw ctx.error(
      '42804',
      `column "${column}" is of type ${typeName(bare(type))} but default expression is of type ${typeName(bare(exprType(e)))}`,
      -1,
      { hint: 'You will need to rewrite or cast the expression.' },
    );
  return written(ctx, r, type);
}

/** Statements that are no queries: dispatch over the parse tree's statement kinds, and the short ones among them.
 *
 *  What a statement does is the master's; here is only what it says. */
import type { DropStmt, Node, RangeVar, VacuumStmt, ViewStmt } from 'libpg-query';
import type { TableDef } from '../catalog.js';
import type { Expr } from '../expr.js';
import { hasSubquery } from '../expr-util.js';
import type { ParsedStatement } from '../sql/parse.js';
import { booleanOption, namesOf, nodeKind, selectOf } from './ast.js';
import { BindContext } from './context.js';
import { bindCopy } from './copy.js';
import { bindCreateTable } from './create-table.js';
import { bindCreateTableAs, bindSelectInto } from './create-table-as.js';
import { bindCloseCursor, bindDeclareCursor, bindFetch } from './cursors.js';
import { declaredTypes } from './declared-type.js';
import { quoteIdentifier, textAfterAs } from './default-text.js';
import { featureName } from './feature-name.js';
import { findRelationDef } from './from.js';
import { bindAlterDefaultPrivileges, bindAlterOwner, bindGrant, bindTableOwner } from './grants.js';
import { bindInsert } from './insert.js';
import { QueryLevel } from './level.js';
import { checkPersistence, creationSchema } from './new-table.js';
import { bindQuery, makeBinding } from './query.js';
import {
  bindAlterRole,
  bindAlterRoleSet,
  bindCreateRole,
  bindDropRole,
  bindGrantRole,
  roleSpec,
} from './roles.js';
import { bindSet, bindTransaction, explainOptions } from './settings.js';
import type {
  BoundStatement,
  InsertStatement,
  QualifiedName,
  QueryStatement,
  UtilityStatement,
} from './statement.js';
import { bare } from './type-family.js';
import { resolveTypeName } from './type-name.js';

export type Unfinished = QueryStatement | InsertStatement | UtilityStatement;

export type BindNode = (ctx: BindContext, n: Node) => Unfinished;

export function bindUtility(
  ctx: BindContext,
  parsed: ParsedStatement,
  node: Node,
  bindNode: BindNode,
): Unfinished {
  const unsupported = (feature: string) => ctx.notSupported(feature, parsed.start);
  if ('SelectStmt' in node) return bindSelectInto(ctx, node.SelectStmt);
  if ('InsertStmt' in node) return bindInsert(ctx, node.InsertStmt);
  if ('CreateStmt' in node) return bindCreateTable(ctx, node.CreateStmt, parsed.distributed);
  if ('CreateTableAsStmt' in node) return bindCreateTableAs(ctx, node.CreateTableAsStmt, parsed.distributed);
  if ('ViewStmt' in node) return bindCreateView(ctx, parsed, node.ViewStmt);
  if ('CreateSchemaStmt' in node) {
    const s = node.CreateSchemaStmt;
    if ((s.schemaElts ?? []).length > 0) throw unsupported('CREATE SCHEMA with elements');
    const owner = s.authrole === undefined ? undefined : roleSpec(s.authrole);
    const name = s.schemaname;
    if (name?.startsWith('pg_'))
      throw ctx.error('42939', `unacceptable schema name "${name}"`, -1, {
        detail: 'The prefix "pg_" is reserved for system schemas.',
      });
    return { kind: 'createSchema', name, owner, ifNotExists: s.if_not_exists === true };
  }
  if ('DropStmt' in node) return bindDrop(ctx, parsed, node.DropStmt);
  if ('TruncateStmt' in node)
    return {
      kind: 'truncate',
      tables: rangeVars(node.TruncateStmt.relations).map((r) => {
        const table = baseTable(ctx, r);
        ctx.access(table, 'D');
        return table;
      }),
    };
  if ('RenameStmt' in node) {
    const s = node.RenameStmt;
    if (s.renameType === 'OBJECT_ROLE')
      return { kind: 'renameRole', name: s.subname ?? '', to: s.newname ?? '' };
    if ((s.renameType !== 'OBJECT_TABLE' && s.renameType !== 'OBJECT_VIEW') || s.relation === undefined)
      throw unsupported(featureName('RenameStmt'));
    const object = s.renameType === 'OBJECT_TABLE' ? 'table' : 'view';
    return {
      kind: 'renameTable',
      relation: qualified(ctx, s.relation),
      object,
      to: s.newname ?? '',
      ifExists: s.missing_ok === true,
    };
  }
  if ('CopyStmt' in node)
    return bindCopy(ctx, node.CopyStmt, (n) => {
      const q = bindNode(ctx, n);
      if (q.kind !== 'query') throw unsupported('COPY of a statement that is no query');
      return q;
    });
  if ('VacuumStmt' in node) return bindVacuum(ctx, node.VacuumStmt);
  if ('VariableSetStmt' in node) return bindSet(ctx, node.VariableSetStmt);
  if ('VariableShowStmt' in node) {
    const name = node.VariableShowStmt.name ?? '';
    return { kind: 'show', name: name === 'all' ? undefined : name };
  }
  if ('DiscardStmt' in node) {
    const what = {
      DISCARD_ALL: 'all',
      DISCARD_PLANS: 'plans',
      DISCARD_SEQUENCES: 'sequences',
      DISCARD_TEMP: 'temp',
    } as const;
    return { kind: 'discard', what: what[node.DiscardStmt.target ?? 'DISCARD_ALL'] };
  }
  if ('TransactionStmt' in node) return bindTransaction(ctx, node.TransactionStmt);
  if ('ExplainStmt' in node) {
    const s = node.ExplainStmt;
    const options = explainOptions(ctx, s);
    if (s.query === undefined) throw new Error('EXPLAIN without a statement');
    const statement = bindNode(ctx, s.query);
    // Parameters and notices are the outer statement's: the same context has bound both.
    return {
      kind: 'explain',
      options,
      statement: { ...statement, paramTypes: [], notices: [], accesses: [] },
    };
  }
  if ('PrepareStmt' in node) {
    const s = node.PrepareStmt;
    if (s.query === undefined) throw new Error('PREPARE without a statement');
    const declared = (s.argtypes ?? []).map((n) =>
      // Modifiers of a parameter's type are ignored, as in PostgreSQL.
      'TypeName' in n ? bare(resolveTypeName(ctx, n.TypeName)) : undefined,
    );
    const inner = new BindContext(ctx.catalog, ctx.source, {
      ...ctx.options,
      paramTypes: declared,
      noParams: false,
    });
    const statement = bindNode(inner, s.query);
    const bound: BoundStatement = {
      ...statement,
      paramTypes: inner.finishedParamTypes(),
      notices: inner.notices,
      accesses: inner.accesses,
    };
    return {
      kind: 'prepare',
      name: s.name ?? '',
      statement: bound,
      paramTypes: bound.paramTypes,
      sql: textAfterAs(ctx.source, parsed.start, parsed.end).text,
    };
  }
  if ('ExecuteStmt' in node) {
    const level = new QueryLevel(undefined);
    level.clause = 'EXECUTE parameters';
    const b = makeBinding(ctx, level);
    const args = (node.ExecuteStmt.params ?? []).map((n): Expr => {
      const e = b.bind(n);
      if (hasSubquery(e))
        throw ctx.error('0A000', 'cannot use subquery in EXECUTE parameter', ctx.locationOf(e) ?? -1);
      return e;
    });
    return { kind: 'execute', name: node.ExecuteStmt.name ?? '', args };
  }
  if ('DeallocateStmt' in node)
    return {
      kind: 'deallocate',
      name: node.DeallocateStmt.isall === true ? undefined : (node.DeallocateStmt.name ?? ''),
    };
  if ('DeclareCursorStmt' in node) {
    const s = node.DeclareCursorStmt;
    if (s.query === undefined) throw new Error('DECLARE without a query');
    const query = bindNode(ctx, s.query);
    if (query.kind !== 'query') throw unsupported('a cursor for a statement that is no query');
    return bindDeclareCursor(ctx, s, query, parsed.text);
  }
  if ('CreateRoleStmt' in node) return bindCreateRole(ctx, node.CreateRoleStmt);
  if ('AlterRoleStmt' in node) return bindAlterRole(ctx, node.AlterRoleStmt);
  if ('AlterRoleSetStmt' in node) return bindAlterRoleSet(ctx, node.AlterRoleSetStmt);
  if ('DropRoleStmt' in node) return bindDropRole(node.DropRoleStmt);
  if ('GrantRoleStmt' in node) return bindGrantRole(ctx, node.GrantRoleStmt);
  if ('GrantStmt' in node) return bindGrant(ctx, node.GrantStmt);
  if ('AlterDefaultPrivilegesStmt' in node)
    return bindAlterDefaultPrivileges(ctx, node.AlterDefaultPrivilegesStmt);
  if ('AlterOwnerStmt' in node) return bindAlterOwner(ctx, node.AlterOwnerStmt);
  if ('AlterTableStmt' in node) {
    const change = bindTableOwner(ctx, node.AlterTableStmt);
    if (change !== undefined) return change;
  }
  if ('FetchStmt' in node) return bindFetch(node.FetchStmt);
  if ('ClosePortalStmt' in node) return bindCloseCursor(node.ClosePortalStmt);
  throw unsupported(featureName(nodeKind(node)));
}

function rangeVars(nodes: readonly Node[] | undefined): readonly RangeVar[] {
  return (nodes ?? []).flatMap((n) => ('RangeVar' in n ? [n.RangeVar] : []));
}

function qualified(ctx: BindContext, r: RangeVar): QualifiedName {
  return { schema: r.schemaname, name: r.relname ?? '', position: ctx.position(r.location) };
}

function baseTable(ctx: BindContext, r: RangeVar): TableDef {
  const relation = findRelationDef(ctx, r, 'nowhere');
  if (relation.kind === 'view') throw ctx.error('42809', `"${relation.name}" is not a table`, -1);
  if (relation.kind === 'virtual')
    throw ctx.error('42501', `permission denied: "${relation.name}" is a system catalog`, -1);
  return relation;
}

function bindDrop(ctx: BindContext, parsed: ParsedStatement, s: DropStmt): UtilityStatement {
  const kinds: Readonly<Record<string, 'table' | 'view' | 'schema'>> = {
    OBJECT_TABLE: 'table',
    OBJECT_VIEW: 'view',
    OBJECT_SCHEMA: 'schema',
  };
  const object = kinds[s.removeType ?? ''];
  if (object === undefined)
    throw ctx.notSupported(
      `DROP ${(s.removeType ?? '').replace('OBJECT_', '').replaceAll('_', ' ')}`,
      parsed.start,
    );
  const names = (s.objects ?? []).map((n): QualifiedName => {
    const parts = 'List' in n ? namesOf(n.List.items) : namesOf([n]);
    return {
      schema: parts.length > 1 ? parts.at(-2) : undefined,
      name: parts.at(-1) ?? '',
      position: undefined,
    };
  });
  return {
    kind: 'drop',
    object,
    names,
    ifExists: s.missing_ok === true,
    cascade: s.behavior === 'DROP_CASCADE',
  };
}

function bindVacuum(ctx: BindContext, s: VacuumStmt): UtilityStatement {
  const tables: TableDef[] = [];
  for (const n of s.rels ?? []) {
    if (!('VacuumRelation' in n) || n.VacuumRelation.relation === undefined) continue;
    const table = baseTable(ctx, n.VacuumRelation.relation);
    for (const name of namesOf(n.VacuumRelation.va_cols))
      if (!table.columns.some((c) => c.name === name))
        throw ctx.error('42703', `column "${name}" of relation "${table.name}" does not exist`, -1);
    tables.push(table);
  }
  const which = (s.rels ?? []).length === 0 ? 'all' : tables;
  const option = (name: string): boolean =>
    (s.options ?? []).some(
      (n) => 'DefElem' in n && n.DefElem.defname === name && booleanOption(n.DefElem) !== false,
    );
  if (s.is_vacuumcmd === true) return { kind: 'vacuum', tables: which, analyze: option('analyze') };
  return { kind: 'analyze', tables: which, verbose: option('verbose') };
}

function bindCreateView(ctx: BindContext, parsed: ParsedStatement, s: ViewStmt): UtilityStatement {
  const view = s.view;
  const select = selectOf(s.query);
  if (view === undefined || select === undefined) throw ctx.notSupported('this kind of view', parsed.start);
  checkPersistence(ctx, view, 'views');
  if (s.withCheckOption !== undefined && s.withCheckOption !== 'NO_CHECK_OPTION')
    throw ctx.notSupported('WITH CHECK OPTION', parsed.start);
  if ((s.options ?? []).length > 0) throw ctx.notSupported('view options', parsed.start);
  const schema = creationSchema(ctx, view);
  if (select.intoClause !== undefined) throw ctx.error('42601', 'views must not contain SELECT INTO', -1);
  const { plan, names } = bindQuery(ctx, select, undefined);
  if (ctx.paramType(0) !== undefined) throw ctx.error('42P02', 'there is no parameter $1', -1);
  const aliases = namesOf(s.aliases);
  if (aliases.length > names.length)
    throw ctx.error('42601', 'CREATE VIEW specifies more column names than columns', -1);
  const types = declaredTypes(plan);
  const columns = types.map((type, i) => ({ name: aliases[i] ?? names[i], type }));
  for (const [i, c] of columns.entries())
    if (columns.findIndex((x) => x.name === c.name) !== i)
      throw ctx.error('42701', `column "${c.name}" specified more than once`, -1);
  return {
    kind: 'createView',
    schema,
    name: view.relname ?? '',
    replace: s.replace === true,
    sql: viewText(ctx, parsed),
    columns,
  };
}

/** The query with the schemas of its tables written out, so that it means the same under any search path. */
function viewText(ctx: BindContext, parsed: ParsedStatement): string {
  const { text, start } = textAfterAs(ctx.source, parsed.start, parsed.end);
  const base = ctx.source.index(start);
  const places = new Map(ctx.unqualified.map((u) => [ctx.source.index(u.location) - base, u.schema]));
  let result = '';
  let at = 0;
  for (const [place, schema] of [...places].sort((a, b) => a[0] - b[0])) {
    result += `${text.slice(at, place)}${quoteIdentifier(schema)}.`;
    at = place;
  }
  return result + text.slice(at);
}

/** information_schema's views of privileges: what was granted by or to a role of the one who asks.
 *
 *  Source: PostgreSQL 15, information_schema.sql. */
import { type Acl, intersection, OBJECT_LETTERS, privilegeOf, union } from '../../../types/roles/acl.js';
import { aclOf } from '../../../types/roles/object-access.js';
import { PUBLIC_ROLE } from '../../../types/roles/role-graph.js';
import { ownerOf, type StoredRelation } from '../state.js';
import type { RowSource, SystemContext, SystemRow } from './context.js';

type Grant = {
  readonly grantor: number;
  readonly grantee: number;
  readonly letter: string;
  readonly grantable: boolean;
};

function grantsOf(c: SystemContext, acl: Acl, owner: number, letters: string): readonly Grant[] {
  const { identity } = c;
  return acl.flatMap((i) => {
    const shown = i.grantee === PUBLIC_ROLE || identity.has(i.grantee) || identity.has(i.grantor);
    if (!shown) return [];
    return [...intersection(i.privileges, letters)].map((letter) => ({
      grantor: i.grantor,
      grantee: i.grantee,
      letter,
      // An owner may always grant.
      grantable: identity.graph.hasPrivilegesOf(i.grantee, owner) || i.grantable.includes(letter),
    }));
  });
}

function names(c: SystemContext, g: Grant): SystemRow {
  const { graph } = c.identity;
  return {
    grantor: graph.nameOf(g.grantor),
    grantee: g.grantee === PUBLIC_ROLE ? 'PUBLIC' : graph.nameOf(g.grantee),
    privilege_type: privilegeOf(g.letter),
    is_grantable: g.grantable ? 'YES' : 'NO',
  };
}

function tableRows(c: SystemContext, r: StoredRelation): readonly SystemRow[] {
  const owner = ownerOf(r);
  return grantsOf(c, aclOf('table', { owner, acl: r.acl }), owner, OBJECT_LETTERS.table).map((g) => ({
    ...names(c, g),
    table_catalog: c.database,
    table_schema: r.schema,
    table_name: r.name,
    with_hierarchy: g.letter === 'r' ? 'YES' : 'NO',
  }));
}

const tablePrivileges: RowSource = (c) => c.catalog.relations().flatMap((r) => tableRows(c, r));

/** A privilege on the table is one on each of its columns. */
function merged(a: Acl, b: Acl): Acl {
  const all = [...a];
  for (const item of b) {
    const at = all.findIndex((i) => i.grantee === item.grantee && i.grantor === item.grantor);
    if (at < 0) all.push(item);
    else
      all[at] = {
        ...item,
        privileges: union(all[at]!.privileges, item.privileges),
        grantable: union(all[at]!.grantable, item.grantable),
      };
  }
  return all;
}

const columnPrivileges: RowSource = (c) =>
  c.catalog.relations().flatMap((r) => {
    const owner = ownerOf(r);
    const whole = aclOf('table', { owner, acl: r.acl });
    return r.columns.flatMap((column, i) =>
      grantsOf(c, merged(whole, r.columnAcls?.[i] ?? []), owner, OBJECT_LETTERS.column).map((g) => ({
        ...names(c, g),
        table_catalog: c.database,
        table_schema: r.schema,
        table_name: r.name,
        column_name: column.name,
      })),
    );
  });

/** The same, of roles that are enabled: not what PUBLIC has. */
const onlyRoles =
  (rows: RowSource): RowSource =>
  (c) =>
    rows(c).filter((r) => r.grantee !== 'PUBLIC');

export const PRIVILEGE_ROWS: Readonly<Record<string, RowSource>> = {
  'information_schema.table_privileges': tablePrivileges,
  'information_schema.column_privileges': columnPrivileges,
  'information_schema.role_table_grants': onlyRoles(tablePrivileges),
  'information_schema.role_column_grants': onlyRoles(columnPrivileges),
};

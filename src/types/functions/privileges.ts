/** has_*_privilege() and pg_has_role(): what a role may do, asked in SQL.
 *
 *  Roles and lists come through `ctx.catalog.access`; what has no list here (functions, types) may be used by everybody.
 *  Source: PostgreSQL 15, acl.c. */
import { OBJECT_LETTERS, PRIVILEGE_LETTERS } from '../roles/acl.js';
import {
  mayGrant,
  mayGrantColumn,
  mayUse,
  mayUseAnyColumn,
  mayUseColumn,
  type OwnedObject,
  type OwnedRelation,
} from '../roles/object-access.js';
import {
  BOOTSTRAP_OID,
  type Membership,
  PUBLIC_ROLE,
  RoleGraph,
  type RoleInfo,
} from '../roles/role-graph.js';
import { SqlError } from '../sql-error.js';
import { BOOL } from '../sql-type.js';
import type { Value } from '../value.js';
import { define, num, str } from './define.js';
import type { ArgKind, FunctionContext, FunctionDef } from './registry-types.js';

export type AccessNames = {
  readonly roles: readonly RoleInfo[];
  readonly memberships: readonly Membership[];
  readonly relations: readonly (readonly [
    oid: number,
    OwnedRelation & { readonly columns: readonly string[] },
  ])[];
  readonly schemas: readonly (readonly [oid: number, name: string, OwnedObject])[];
  /** The role that asks. */
  readonly current: number;
  readonly database: string;
};

/** The same with its look-ups. */
export class AccessCatalog {
  readonly graph: RoleGraph;
  readonly current: number;
  readonly database: string;
  private readonly relations: ReadonlyMap<number, AccessNames['relations'][number][1]>;
  private readonly schemas: ReadonlyMap<number, OwnedObject>;
  private readonly schemaOids: ReadonlyMap<string, number>;

  constructor(names: AccessNames) {
    this.graph = new RoleGraph(names.roles, names.memberships, BOOTSTRAP_OID);
    this.current = names.current;
    this.database = names.database;
    this.relations = new Map(names.relations);
    this.schemas = new Map(names.schemas.map(([oid, , object]) => [oid, object]));
    this.schemaOids = new Map(names.schemas.map(([oid, name]) => [name, oid]));
  }

  relation(oid: number): AccessNames['relations'][number][1] | undefined {
    return this.relations.get(oid);
  }

  schema(oid: number): OwnedObject | undefined {
    return this.schemas.get(oid);
  }

  schemaOid(name: string): number | undefined {
    return this.schemaOids.get(name);
  }
}

const stable = { volatility: 'stable' } as const;

function accessOf(ctx: FunctionContext): AccessCatalog {
  const access = ctx.catalog?.access?.();
  if (access === undefined) throw new SqlError('0A000', 'privileges are not known in this place');
  return access;
}

type Wanted = { readonly letter: string; readonly grant: boolean };

/** `SELECT, INSERT WITH GRANT OPTION`: one of them is enough. */
function wanted(text: string, allowed: string): readonly Wanted[] {
  return text.split(',').map((part) => {
    const word = part.trim();
    const m = /^(.*?)\s+WITH\s+GRANT\s+OPTION$/i.exec(word);
    const letter = PRIVILEGE_LETTERS[(m?.[1] ?? word).toUpperCase()];
    if (letter === undefined || !allowed.includes(letter))
      throw new SqlError('22023', `unrecognized privilege type: "${word}"`);
    return { letter, grant: m !== null };
  });
}

function roleFrom(access: AccessCatalog, kind: ArgKind, v: Value): number {
  if (kind === 'oid') return num(v);
  const name = str(v);
  if (name === 'public') return PUBLIC_ROLE;
  const role = access.graph.named(name);
  if (role === undefined) throw new SqlError('42704', `role "${name}" does not exist`);
  return role.oid;
}

function relationFrom(kind: ArgKind, v: Value, ctx: FunctionContext): number {
  if (kind === 'oid') return num(v);
  const oid = ctx.catalog?.relationOid(str(v));
  if (oid === undefined) throw new SqlError('42P01', `relation "${str(v)}" does not exist`);
  return oid;
}

type Asked = {
  readonly access: AccessCatalog;
  readonly role: number;
  readonly rest: readonly Value[];
  readonly kinds: readonly ArgKind[];
  readonly ctx: FunctionContext;
};

/** Every signature of a has_*_privilege(): with a role's name or oid first, or for the current role. */
function family(name: string, objects: readonly string[], answer: (a: Asked) => Value): FunctionDef[] {
  return ['', 'name ', 'oid '].flatMap((user) =>
    objects.map((object) => {
      const signature = `${user}${object} text`;
      const kinds = signature.split(' ') as ArgKind[];
      const own = user === '' ? 0 : 1;
      return define(
        name,
        signature,
        BOOL,
        (a, ctx) => {
          const access = accessOf(ctx);
          const role = own === 0 ? access.current : roleFrom(access, kinds[0]!, a[0]!);
          return answer({ access, role, rest: a.slice(own), kinds: kinds.slice(own), ctx });
        },
        stable,
      );
    }),
  );
}

const last = (a: Asked) => str(a.rest.at(-1)!);

function tablePrivilege(a: Asked): Value {
  const oid = relationFrom(a.kinds[0]!, a.rest[0]!, a.ctx);
  const asked = wanted(last(a), OBJECT_LETTERS.table);
  const relation = a.access.relation(oid);
  if (relation === undefined) return null;
  const { graph } = a.access;
  return asked.some((w) =>
    w.grant
      ? mayGrant(graph, 'table', relation, a.role, w.letter)
      : mayUse(graph, 'table', relation, a.role, w.letter),
  );
}

function anyColumnPrivilege(a: Asked): Value {
  const oid = relationFrom(a.kinds[0]!, a.rest[0]!, a.ctx);
  const asked = wanted(last(a), OBJECT_LETTERS.column);
  const relation = a.access.relation(oid);
  if (relation === undefined) return null;
  const { graph } = a.access;
  return asked.some((w) =>
    w.grant
      ? relation.columns.some((_, i) => mayGrantColumn(graph, relation, a.role, w.letter, i))
      : mayUseAnyColumn(graph, relation, a.role, w.letter),
  );
}

function columnPrivilege(a: Asked): Value {
  const oid = relationFrom(a.kinds[0]!, a.rest[0]!, a.ctx);
  const asked = wanted(last(a), OBJECT_LETTERS.column);
  const relation = a.access.relation(oid);
  if (relation === undefined) return null;
  const column = a.rest[1]!;
  const ordinal = a.kinds[1] === 'int2' ? num(column) - 1 : relation.columns.indexOf(str(column));
  if (a.kinds[1] !== 'int2' && ordinal < 0) {
    const name = a.ctx.catalog?.relationName(oid)?.name ?? '';
    throw new SqlError('42703', `column "${str(column)}" of relation "${name}" does not exist`);
  }
  if (relation.columns[ordinal] === undefined) return null;
  const { graph } = a.access;
  return asked.some((w) =>
    w.grant
      ? mayGrantColumn(graph, relation, a.role, w.letter, ordinal)
      : mayUseColumn(graph, relation, a.role, w.letter, ordinal),
  );
}

function schemaPrivilege(a: Asked): Value {
  const given = a.rest[0]!;
  const oid = a.kinds[0] === 'oid' ? num(given) : a.access.schemaOid(str(given));
  if (oid === undefined) throw new SqlError('3F000', `schema "${str(given)}" does not exist`);
  const asked = wanted(last(a), OBJECT_LETTERS.schema);
  const schema = a.access.schema(oid);
  if (schema === undefined) return null;
  const { graph } = a.access;
  return asked.some((w) =>
    w.grant
      ? mayGrant(graph, 'schema', schema, a.role, w.letter)
      : mayUse(graph, 'schema', schema, a.role, w.letter),
  );
}

/** There is one database, under whatever name the client calls it. */
function databasePrivilege(a: Asked): Value {
  const asked = wanted(last(a), OBJECT_LETTERS.database);
  const database: OwnedObject = { owner: BOOTSTRAP_OID, acl: undefined };
  const { graph } = a.access;
  return asked.some((w) =>
    w.grant
      ? mayGrant(graph, 'database', database, a.role, w.letter)
      : mayUse(graph, 'database', database, a.role, w.letter),
  );
}

/** Objects that everybody may use, and on which only a superuser may grant. */
const open =
  (letters: string) =>
  (a: Asked): Value =>
    wanted(last(a), letters).some((w) => !w.grant || a.access.graph.isSuperuser(a.role));

/** Objects that only a superuser may use. */
const closed =
  (letters: string) =>
  (a: Asked): Value => {
    wanted(last(a), letters);
    return a.access.graph.isSuperuser(a.role);
  };

function hasRole(access: AccessCatalog, member: number, role: number, text: string): boolean {
  const { graph } = access;
  return text.split(',').some((part) => {
    const word = part.trim().toUpperCase();
    switch (word) {
      case 'USAGE':
        return graph.hasPrivilegesOf(member, role);
      case 'MEMBER':
        return graph.isMemberOf(member, role);
      case 'USAGE WITH GRANT OPTION':
      case 'USAGE WITH ADMIN OPTION':
      case 'MEMBER WITH GRANT OPTION':
      case 'MEMBER WITH ADMIN OPTION':
        return graph.isAdminOf(member, role);
      default:
        throw new SqlError('22023', `unrecognized privilege type: "${part.trim()}"`);
    }
  });
}

const NAMED = ['text', 'oid'];

export const privilegeFunctions: readonly FunctionDef[] = [
  ...family('has_table_privilege', NAMED, tablePrivilege),
  ...family('has_any_column_privilege', NAMED, anyColumnPrivilege),
  ...family('has_column_privilege', ['text text', 'text int2', 'oid text', 'oid int2'], columnPrivilege),
  ...family('has_schema_privilege', NAMED, schemaPrivilege),
  ...family('has_database_privilege', NAMED, databasePrivilege),
  ...family('has_function_privilege', NAMED, open('X')),
  ...family('has_type_privilege', NAMED, open('U')),
  ...family('has_language_privilege', NAMED, open('U')),
  ...family('has_sequence_privilege', NAMED, closed('rwU')),
  ...family('has_tablespace_privilege', NAMED, closed('C')),
  ...family('has_foreign_data_wrapper_privilege', NAMED, closed('U')),
  ...family('has_server_privilege', NAMED, closed('U')),
  ...family('has_parameter_privilege', ['text'], closed('sA')),
  // The role that is asked about, by name or oid.
  ...['name', 'oid'].map((role) =>
    define(
      'pg_has_role',
      `${role} text`,
      BOOL,
      (a, ctx) => {
        const access = accessOf(ctx);
        return hasRole(access, access.current, roleFrom(access, role as ArgKind, a[0]!), str(a[1]!));
      },
      stable,
    ),
  ),
  ...['name name', 'name oid', 'oid name', 'oid oid'].map((kinds) => {
    const [member, role] = kinds.split(' ') as [ArgKind, ArgKind];
    return define(
      'pg_has_role',
      `${kinds} text`,
      BOOL,
      (a, ctx) => {
        const access = accessOf(ctx);
        return hasRole(access, roleFrom(access, member, a[0]!), roleFrom(access, role, a[1]!), str(a[2]!));
      },
      stable,
    );
  }),
];

/** Roles, owners and lists as plain data for functions that ask about privileges, and whom a role may signal. */
import type { CatalogNames, Signal } from '../../types/functions/catalog-names.js';
import type { AccessNames } from '../../types/functions/privileges.js';
import { BOOTSTRAP_OID, PG_SIGNAL_BACKEND, PUBLIC_ROLE } from '../../types/roles/role-graph.js';
import type { SessionIdentity } from '../session/identity.js';
import type { MasterCatalog } from './master-catalog.js';
import { SYSTEM_SCHEMAS } from './names.js';
import { ownerOf } from './state.js';
import type { SessionActivity } from './system/context.js';
import { systemRelation } from './system/secrets.js';
import { SYSTEM_TABLES } from './system/tables.js';

const SYSTEM_SCHEMA = {
  owner: BOOTSTRAP_OID,
  acl: [{ grantee: PUBLIC_ROLE, grantor: BOOTSTRAP_OID, privileges: 'U', grantable: '' }],
};

export function accessNames(
  catalog: MasterCatalog,
  identity: SessionIdentity,
  database: string,
): AccessNames {
  const { roles, memberships } = identity.graph;
  const columns = (r: { readonly columns: readonly { readonly name: string }[] }) =>
    r.columns.map((c) => c.name);
  return {
    roles: roles.map(({ oid, name, superuser, inherit }) => ({ oid, name, superuser, inherit })),
    memberships,
    relations: [
      ...catalog
        .relations()
        .map(
          (r) =>
            [
              r.oid,
              { owner: ownerOf(r), acl: r.acl, columnAcls: r.columnAcls, columns: columns(r) },
            ] as const,
        ),
      ...SYSTEM_TABLES.map(
        (t) => [t.oid, { ...systemRelation(t.schema, t.name), columns: columns(t) }] as const,
      ),
    ],
    schemas: [
      ...[...SYSTEM_SCHEMAS].map(([name, oid]) => [oid, name, SYSTEM_SCHEMA] as const),
      ...catalog.schemas().map((s) => [s.oid, s.name, { owner: ownerOf(s), acl: s.acl }] as const),
    ],
    current: identity.current,
    database,
  };
}

/** Why the role may not signal a session of `target`; undefined when it may. */
export function signalDenial(
  identity: SessionIdentity,
  target: number,
  how: Signal['how'],
): string | undefined {
  const [verb, superuser] =
    how === 'cancel'
      ? ['query is being canceled', 'cancel superuser query']
      : ['process is being terminated', 'terminate superuser process'];
  if (identity.graph.isSuperuser(target) && !identity.superuser) return `must be a superuser to ${superuser}`;
  if (identity.has(target) || identity.has(PG_SIGNAL_BACKEND)) return undefined;
  return `must be a member of the role whose ${verb} or member of pg_signal_backend`;
}

export function signalNames(
  identity: SessionIdentity,
  channel: string,
  sessions: readonly SessionActivity[],
): NonNullable<CatalogNames['signals']> {
  const denied = sessions.flatMap((s) =>
    (['cancel', 'terminate'] as const).flatMap((how) => {
      const message = signalDenial(identity, s.role, how);
      return message === undefined ? [] : [[s.pid, how, message] as const];
    }),
  );
  return { channel, pids: sessions.map((s) => s.pid), denied };
}

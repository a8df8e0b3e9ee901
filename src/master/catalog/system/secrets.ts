/** Who may read system relations: everybody, but for those with secrets. Nobody writes them. */
import type { OwnedRelation } from '../../../types/roles/object-access.js';
import { BOOTSTRAP_OID, PUBLIC_ROLE } from '../../../types/roles/role-graph.js';

/** System relations with secrets, as initdb leaves them. */
const SECRET: ReadonlySet<string> = new Set([
  'pg_catalog.pg_authid',
  'pg_catalog.pg_shadow',
  'pg_catalog.pg_statistic',
  'pg_catalog.pg_statistic_ext_data',
  'pg_catalog.pg_subscription',
  'pg_catalog.pg_user_mapping',
  'pg_catalog.pg_largeobject',
  'pg_catalog.pg_file_settings',
  'pg_catalog.pg_hba_file_rules',
  'pg_catalog.pg_ident_file_mappings',
  'pg_catalog.pg_config',
  'pg_catalog.pg_backend_memory_contexts',
  'pg_catalog.pg_shmem_allocations',
]);

export function systemRelation(schema: string, name: string): OwnedRelation {
  const owner = BOOTSTRAP_OID;
  const own = { grantee: owner, grantor: owner, privileges: 'arwdDxt', grantable: '' };
  const all = { grantee: PUBLIC_ROLE, grantor: owner, privileges: 'r', grantable: '' };
  return { owner, acl: SECRET.has(`${schema}.${name}`) ? [own] : [own, all] };
}

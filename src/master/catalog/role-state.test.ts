import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { BOOTSTRAP_OID, PG_DATABASE_OWNER } from '../../types/roles/role-graph.js';
import { CatalogLog } from './catalog-log.js';
import { MasterCatalog } from './master-catalog.js';
import { bootstrapRole, type StoredRole } from './role-state.js';
import { ownerOf } from './state.js';

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'mpp-roles-'));
});

afterEach(() => rm(directory, { recursive: true, force: true }));

test('a catalog of a version without roles gets a superuser, who owns what is there', async () => {
  const { log } = await CatalogLog.open(directory);
  await log.append([{ op: 'putSchema', schema: { oid: 16400, name: 'old' } }]);
  await log.compact({
    format: 1,
    nextOid: 16500,
    nextStorageId: 7,
    schemas: [
      { oid: 2200, name: 'public' },
      { oid: 16400, name: 'old' },
    ],
    relations: [
      { kind: 'view', oid: 16410, schema: 'old', name: 'v', sql: 'SELECT 1', columns: [], dependsOn: [] },
    ],
  });
  await log.close();
  const catalog = await MasterCatalog.open(directory, 'olive');
  expect(catalog.role(BOOTSTRAP_OID)).toMatchObject({ name: 'olive', superuser: true, login: true });
  expect(ownerOf(catalog.schema('old')!)).toBe(BOOTSTRAP_OID);
  expect(ownerOf(catalog.schema('public')!)).toBe(PG_DATABASE_OWNER);
  expect(catalog.relation('old', 'v')).toMatchObject({ kind: 'view', owner: BOOTSTRAP_OID });
  await catalog.close();
  // Who it is stays, whoever starts it next.
  const again = await MasterCatalog.open(directory, 'other');
  expect(again.roles().map((r) => r.name)).toEqual(['olive']);
  await again.close();
});

test('roles, memberships, settings and default privileges outlive a restart, from the log and from a snapshot', async () => {
  const role: StoredRole = {
    ...bootstrapRole('ann'),
    oid: 16390,
    superuser: false,
    password: 'SCRAM-SHA-256$...',
    validUntil: 1_800_000_000_000_000n,
  };
  const acl = [{ grantee: 16390, grantor: 10, privileges: 'r', grantable: '' }];
  const first = await MasterCatalog.open(directory);
  await first.commit(() => [
    { op: 'putRole', role },
    { op: 'putRole', role: { ...role, oid: 16391, name: 'bob', validUntil: undefined } },
    { op: 'putMember', membership: { role: 16391, member: 16390, grantor: 10, admin: true } },
    { op: 'putRoleSettings', settings: { database: '', role: 16390, config: [['work_mem', '8MB']] } },
    { op: 'putDefaultAcl', acl: { oid: 16392, role: 16390, schema: 0, object: 'table', acl } },
  ]);
  const seen = (c: MasterCatalog) => ({
    roles: c.roles(),
    member: c.graph().isMemberOf(16390, 16391),
    settings: c.allRoleSettings(),
    defaults: c.defaultAcls(),
  });
  const before = seen(first);
  expect(before.member).toBe(true);
  await first.close();
  const second = await MasterCatalog.open(directory);
  expect(seen(second)).toEqual(before);
  // Past the size at which the log becomes a snapshot.
  const filler = 'x'.repeat(1 << 20);
  for (let i = 0; i < 5; i++)
    await second.commit(() => [
      { op: 'putRoleSettings', settings: { database: filler, role: 16391, config: [['a.b', filler]] } },
    ]);
  await second.commit(() => [
    { op: 'putRoleSettings', settings: { database: filler, role: 16391, config: [] } },
  ]);
  expect(await second.newOid()).toBeGreaterThan(16391);
  await second.close();
  const third = await MasterCatalog.open(directory);
  expect(seen(third)).toEqual(before);
  await third.commit(() => [{ op: 'dropRole', oid: 16390 }]);
  expect(third.graph().memberships.filter((m) => m.member === 16390)).toEqual([]);
  expect(third.allRoleSettings()).toEqual([]);
  await third.close();
});

/** Rows of the system tables that describe relations: pg_class, pg_attribute, pg_index, pg_constraint, ... */
import type { Relation } from '../../../plan/catalog.js';
import { type Acl, OBJECT_LETTERS } from '../../../types/roles/acl.js';
import { mayUse, mayUseAnyColumn } from '../../../types/roles/object-access.js';
import { PUBLIC_ROLE } from '../../../types/roles/role-graph.js';
import { type SqlType, TYPE_INFO, typeMod, typeName, typeOid, typeSize } from '../../../types/sql-type.js';
import { formatText, quoteIdentifier } from '../../../types/text-io.js';
import { intervalFieldNames, isTimed } from '../../../types/time-modifier.js';
import { CONSTRAINT_OID_OFFSET } from '../catalog-view.js';
import { INFORMATION_SCHEMA_OID, PG_CATALOG_OID, SYSTEM_SCHEMAS } from '../names.js';
import { ownerOf, type StoredTable } from '../state.js';
import { estimatedBytes } from '../stats.js';
import {
  aclArray,
  arrayOf,
  BTREE_AM_OID,
  OWNER_OID,
  ownerName,
  type RowSource,
  type SystemContext,
  type SystemRow,
  TABLE_AM_OID,
  vectorOf,
} from './context.js';
import { systemRelation } from './secrets.js';
import { SYSTEM_TABLES } from './tables.js';
import { typeTraits } from './type-traits.js';

function schemaOid(c: SystemContext, name: string): number {
  return SYSTEM_SCHEMAS.get(name) ?? c.catalog.schemaOid(name) ?? 0;
}

/** How a table is spread, in the words of its DDL. */
export function distributionText(t: StoredTable): string {
  const d = t.distribution;
  if (d.kind === 'hash') return `by (${d.columns.map((i) => quoteIdentifier(t.columns[i].name)).join(', ')})`;
  return d.kind === 'random' ? 'randomly' : 'replicated';
}

/** As initdb leaves them: everybody may look in. */
const SYSTEM_SCHEMA_ACL: Acl = [
  { grantee: OWNER_OID, grantor: OWNER_OID, privileges: 'UC', grantable: '' },
  { grantee: PUBLIC_ROLE, grantor: OWNER_OID, privileges: 'U', grantable: '' },
];

const CLASS_DEFAULTS: SystemRow = {
  relowner: OWNER_OID,
  relpersistence: 'p',
  relreplident: 'n',
  relispopulated: true,
};

const pgClass: RowSource = (c) => {
  const rows: SystemRow[] = [];
  for (const r of c.catalog.relations()) {
    const base = {
      ...CLASS_DEFAULTS,
      oid: r.oid,
      relname: r.name,
      relnamespace: schemaOid(c, r.schema),
      relnatts: r.columns.length,
      relowner: ownerOf(r),
      relacl: aclArray(c, r.acl),
    };
    if (r.kind === 'view') {
      rows.push({ ...base, relkind: 'v', relhasrules: true });
      continue;
    }
    rows.push({
      ...base,
      relkind: 'r',
      relam: TABLE_AM_OID,
      relfilenode: r.storageId,
      relpages: Math.min(2147483647, Math.ceil(estimatedBytes(r) / 8192)),
      reltuples: r.stats.estimates === undefined && r.stats.rows === 0 ? -1 : r.stats.rows,
      relhasindex: r.primaryKeyOid !== undefined,
      relreplident: 'd',
      reloptions: arrayOf([`distributed=${distributionText(r)}`]),
    });
    if (r.primaryKeyOid !== undefined)
      rows.push({
        ...CLASS_DEFAULTS,
        oid: r.primaryKeyOid,
        relname: `${r.name}_pkey`,
        relnamespace: schemaOid(c, r.schema),
        relnatts: r.primaryKey!.length,
        relkind: 'i',
        relowner: ownerOf(r),
        relam: BTREE_AM_OID,
        reltuples: r.stats.rows,
      });
  }
  for (const t of SYSTEM_TABLES)
    rows.push({
      ...CLASS_DEFAULTS,
      oid: t.oid,
      relname: t.name,
      relnamespace: t.schema === 'pg_catalog' ? PG_CATALOG_OID : INFORMATION_SCHEMA_OID,
      relnatts: t.columns.length,
      relkind: t.schema === 'information_schema' || t.oid >= 10000 ? 'v' : 'r',
      relam: t.oid >= 10000 ? 0 : TABLE_AM_OID,
      reltuples: -1,
    });
  return rows;
};

function allRelations(c: SystemContext): readonly Relation[] {
  return [...c.catalog.relations().map((r) => c.catalog.definition(r)), ...SYSTEM_TABLES];
}

function attribute(relation: number, name: string, type: SqlType, number: number): SystemRow {
  const traits = typeTraits(type);
  return {
    attrelid: relation,
    attname: name,
    atttypid: typeOid(type),
    attstattarget: -1,
    attlen: typeSize(type),
    attnum: number,
    attndims: type.kind === 'array' ? 1 : 0,
    attcacheoff: -1,
    atttypmod: typeMod(type),
    attbyval: traits.byValue,
    attalign: traits.align,
    attstorage: traits.storage,
    attcompression: '',
    attislocal: true,
    attcollation: traits.collation,
  };
}

const pgAttribute: RowSource = (c) => {
  const rows: SystemRow[] = [];
  for (const r of allRelations(c)) {
    const columnAcls = c.catalog.storedByOid(r.oid)?.columnAcls;
    for (const [i, column] of r.columns.entries()) {
      const full = r.kind === 'view' ? undefined : r.columns[i];
      rows.push({
        ...attribute(r.oid, column.name, column.type, i + 1),
        attacl: aclArray(c, columnAcls?.[i]),
        attnotnull: full?.notNull ?? false,
        atthasdef: full?.defaultSql !== undefined,
      });
    }
  }
  for (const t of c.catalog.tables()) {
    if (t.primaryKeyOid === undefined) continue;
    for (const [i, ordinal] of t.primaryKey!.entries())
      rows.push(attribute(t.primaryKeyOid, t.columns[ordinal].name, t.columns[ordinal].type, i + 1));
  }
  return rows;
};

const pgAttrdef: RowSource = (c) =>
  c.catalog
    .tables()
    .flatMap((t) =>
      t.columns.flatMap((column, i) =>
        column.defaultSql === undefined
          ? []
          : [{ oid: t.oid * 1600 + i + 1, adrelid: t.oid, adnum: i + 1, adbin: column.defaultSql }],
      ),
    );

const keyed = (c: SystemContext) =>
  c.catalog.tables().filter((t) => t.primaryKeyOid !== undefined && t.primaryKey !== undefined);

const pgIndex: RowSource = (c) =>
  keyed(c).map((t) => ({
    indexrelid: t.primaryKeyOid!,
    indrelid: t.oid,
    indnatts: t.primaryKey!.length,
    indnkeyatts: t.primaryKey!.length,
    indisunique: true,
    indisprimary: true,
    indimmediate: true,
    indisvalid: true,
    indisready: true,
    indislive: true,
    indkey: vectorOf(t.primaryKey!.map((k) => k + 1)),
    indcollation: vectorOf(t.primaryKey!.map((k) => typeTraits(t.columns[k].type).collation)),
    indoption: vectorOf(t.primaryKey!.map(() => 0)),
  }));

const pgConstraint: RowSource = (c) =>
  keyed(c).map((t) => ({
    oid: t.primaryKeyOid! + CONSTRAINT_OID_OFFSET,
    conname: `${t.name}_pkey`,
    connamespace: schemaOid(c, t.schema),
    contype: 'p',
    convalidated: true,
    conrelid: t.oid,
    conindid: t.primaryKeyOid!,
    conislocal: true,
    connoinherit: true,
    confupdtype: ' ',
    confdeltype: ' ',
    confmatchtype: ' ',
    conkey: arrayOf(t.primaryKey!.map((k) => k + 1)),
  }));

const pgRewrite: RowSource = (c) =>
  c.catalog
    .relations()
    .filter((r) => r.kind === 'view')
    .map((v) => ({
      oid: v.oid + CONSTRAINT_OID_OFFSET,
      rulename: '_RETURN',
      ev_class: v.oid,
      ev_type: '1',
      ev_enabled: 'O',
      is_instead: true,
      ev_qual: '<>',
      ev_action: v.sql,
    }));

const pgDepend: RowSource = (c) =>
  c.catalog.relations().flatMap((r) =>
    r.kind === 'view'
      ? r.dependsOn.map((on) => ({
          classid: 2618,
          objid: r.oid + CONSTRAINT_OID_OFFSET,
          refclassid: 1259,
          refobjid: on,
          deptype: 'n',
        }))
      : [],
  );

const pgNamespace: RowSource = (c) => [
  ...[...SYSTEM_SCHEMAS].map(([name, oid]) => ({
    oid,
    nspname: name,
    nspowner: OWNER_OID,
    nspacl: name === 'pg_toast' ? null : aclArray(c, SYSTEM_SCHEMA_ACL),
  })),
  ...c.catalog.schemas().map((s) => ({
    oid: s.oid,
    nspname: s.name,
    nspowner: ownerOf(s),
    nspacl: aclArray(c, s.acl),
  })),
];

const pgDescription: RowSource = () => [
  { objoid: 2200, classoid: 2615, objsubid: 0, description: 'standard public schema' },
  { objoid: PG_CATALOG_OID, classoid: 2615, objsubid: 0, description: 'system catalog schema' },
];

const pgTables: RowSource = (c) => [
  ...c.catalog.tables().map((t) => ({
    schemaname: t.schema,
    tablename: t.name,
    tableowner: ownerName(c, ownerOf(t)),
    hasindexes: t.primaryKeyOid !== undefined,
    hasrules: false,
    hastriggers: false,
    rowsecurity: false,
  })),
  ...SYSTEM_TABLES.filter((t) => t.schema === 'pg_catalog' && t.oid < 10000).map((t) => ({
    schemaname: t.schema,
    tablename: t.name,
    tableowner: ownerName(c, OWNER_OID),
    hasindexes: false,
    hasrules: false,
    hastriggers: false,
    rowsecurity: false,
  })),
];

const pgViews: RowSource = (c) =>
  c.catalog.relations().flatMap((r) =>
    r.kind === 'view'
      ? [
          {
            schemaname: r.schema,
            viewname: r.name,
            viewowner: ownerName(c, ownerOf(r)),
            definition: ` ${r.sql};`,
          },
        ]
      : [],
  );

const pgIndexes: RowSource = (c) =>
  keyed(c).map((t) => ({
    schemaname: t.schema,
    tablename: t.name,
    indexname: `${t.name}_pkey`,
    indexdef: `CREATE UNIQUE INDEX ${quoteIdentifier(`${t.name}_pkey`)} ON ${quoteIdentifier(t.schema)}.${quoteIdentifier(t.name)} USING btree (${t.primaryKey!.map((k) => quoteIdentifier(t.columns[k].name)).join(', ')})`,
  }));

const pgStats: RowSource = (c) =>
  c.catalog.tables().flatMap((t) =>
    (t.stats.estimates ?? []).flatMap((e, i) => {
      if (e === null) return [];
      const { type, name } = t.columns[i];
      const texts = (values: readonly import('../../../types/value.js').Value[]) =>
        arrayOf(values.map((v) => (v === null ? null : formatText(type, v))));
      const distinct = e.distinct ?? 0;
      return [
        {
          schemaname: t.schema,
          tablename: t.name,
          attname: name,
          inherited: false,
          null_frac: e.nullFraction ?? 0,
          avg_width: Math.round(e.averageBytes ?? Math.max(typeSize(type), 0)),
          n_distinct: distinct > t.stats.rows / 10 && t.stats.rows > 0 ? -distinct / t.stats.rows : distinct,
          most_common_vals: e.mostCommon?.length ? texts(e.mostCommon.map((m) => m.value)) : null,
          most_common_freqs: e.mostCommon?.length
            ? arrayOf(e.mostCommon.map((m) => Number(m.fraction.toPrecision(6))))
            : null,
          histogram_bounds: e.histogram?.length ? texts(e.histogram) : null,
        },
      ];
    }),
  );

const mppDistribution: RowSource = (c) =>
  c.catalog.tables().map((t) => ({
    localoid: t.oid,
    schemaname: t.schema,
    tablename: t.name,
    policy: t.distribution.kind,
    distkey: t.distribution.kind === 'hash' ? distributionText(t).slice(4, -1) : null,
    numsegments: c.view.segmentCount,
  }));

const gpDistributionPolicy: RowSource = (c) =>
  c.catalog.tables().map((t) => ({
    localoid: t.oid,
    policytype: t.distribution.kind === 'replicated' ? 'r' : 'p',
    numsegments: c.view.segmentCount,
    distkey: arrayOf(t.distribution.kind === 'hash' ? t.distribution.columns.map((i) => i + 1) : []),
    distclass: '{}',
  }));

// ---------------------------------------------------------------- information_schema

/** Relations of which the role may do something, or whose owner it is. */
function accessible(c: SystemContext): readonly Relation[] {
  const { graph, current } = c.identity;
  return allRelations(c).filter((r) => {
    const stored = c.catalog.storedByOid(r.oid);
    if (stored === undefined) return mayUse(graph, 'table', systemRelation(r.schema, r.name), current, 'r');
    const object = { owner: ownerOf(stored), acl: stored.acl, columnAcls: stored.columnAcls };
    return (
      c.identity.has(object.owner) ||
      [...OBJECT_LETTERS.table].some((l) => mayUseAnyColumn(graph, object, current, l))
    );
  });
}

const tables: RowSource = (c) =>
  accessible(c).map((r) => ({
    table_catalog: c.database,
    table_schema: r.schema,
    table_name: r.name,
    table_type: r.kind === 'view' || (r.kind === 'virtual' && r.oid >= 10000) ? 'VIEW' : 'BASE TABLE',
    is_insertable_into: r.kind === 'table' ? 'YES' : 'NO',
    is_typed: 'NO',
  }));

const columns: RowSource = (c) =>
  accessible(c).flatMap((r) =>
    r.columns.map((column, i): SystemRow => {
      const { type } = column;
      const full = r.kind === 'view' ? undefined : r.columns[i];
      const integerBits =
        type.kind === 'int2' ? 16 : type.kind === 'int4' ? 32 : type.kind === 'int8' ? 64 : null;
      const floatBits = type.kind === 'float4' ? 24 : type.kind === 'float8' ? 53 : null;
      return {
        table_catalog: c.database,
        table_schema: r.schema,
        table_name: r.name,
        column_name: column.name,
        ordinal_position: i + 1,
        column_default: full?.defaultSql ?? null,
        is_nullable: full?.notNull ? 'NO' : 'YES',
        data_type: type.kind === 'array' ? 'ARRAY' : typeName({ kind: type.kind } as SqlType),
        character_maximum_length:
          type.kind === 'varchar' || type.kind === 'bpchar' ? (type.length ?? null) : null,
        character_octet_length:
          type.kind === 'varchar' || type.kind === 'bpchar'
            ? type.length === undefined
              ? 1073741824
              : type.length * 4
            : type.kind === 'text'
              ? 1073741824
              : null,
        numeric_precision: type.kind === 'numeric' ? (type.precision ?? null) : (integerBits ?? floatBits),
        numeric_precision_radix:
          type.kind === 'numeric' ? 10 : integerBits !== null || floatBits !== null ? 2 : null,
        numeric_scale:
          type.kind === 'numeric' && type.precision !== undefined
            ? (type.scale ?? 0)
            : integerBits !== null
              ? 0
              : null,
        datetime_precision: isTimed(type) ? (type.precision ?? 6) : type.kind === 'date' ? 0 : null,
        interval_type: (isTimed(type) ? intervalFieldNames(type) : undefined) ?? null,
        udt_catalog: c.database,
        udt_schema: 'pg_catalog',
        udt_name: type.kind === 'array' ? `_${typeBaseName(type.element)}` : typeBaseName(type),
        dtd_identifier: String(i + 1),
        is_self_referencing: 'NO',
        is_identity: 'NO',
        identity_cycle: 'NO',
        is_generated: 'NEVER',
        is_updatable: r.kind === 'table' ? 'YES' : 'NO',
      };
    }),
  );

function typeBaseName(type: SqlType): string {
  return type.kind === 'array' ? typeBaseName(type.element) : TYPE_INFO[type.kind].name;
}

function schemaUsable(c: SystemContext, name: string): boolean {
  const schema = c.catalog.schema(name);
  const { graph, current } = c.identity;
  if (schema === undefined) return name !== 'pg_toast';
  const object = { owner: ownerOf(schema), acl: schema.acl };
  return mayUse(graph, 'schema', object, current, 'U') || mayUse(graph, 'schema', object, current, 'C');
}

const schemata: RowSource = (c) =>
  [
    ...[...SYSTEM_SCHEMAS.keys()].map((name) => ({ name, owner: OWNER_OID })),
    ...c.catalog.schemas().map((s) => ({ name: s.name, owner: ownerOf(s) })),
  ]
    .filter((s) => c.identity.has(s.owner) || schemaUsable(c, s.name))
    .map((s) => ({
      catalog_name: c.database,
      schema_name: s.name,
      schema_owner: ownerName(c, s.owner),
    }));

const views: RowSource = (c) =>
  accessible(c).flatMap((r) =>
    r.kind === 'view'
      ? [
          {
            table_catalog: c.database,
            table_schema: r.schema,
            table_name: r.name,
            view_definition: ` ${r.sql};`,
            check_option: 'NONE',
            is_updatable: 'NO',
            is_insertable_into: 'NO',
            is_trigger_updatable: 'NO',
            is_trigger_deletable: 'NO',
            is_trigger_insertable_into: 'NO',
          },
        ]
      : [],
  );

const tableConstraints: RowSource = (c) =>
  keyed(c).map((t) => ({
    constraint_catalog: c.database,
    constraint_schema: t.schema,
    constraint_name: `${t.name}_pkey`,
    table_catalog: c.database,
    table_schema: t.schema,
    table_name: t.name,
    constraint_type: 'PRIMARY KEY',
    is_deferrable: 'NO',
    initially_deferred: 'NO',
    enforced: 'NO',
  }));

const keyColumnUsage: RowSource = (c) =>
  keyed(c).flatMap((t) =>
    t.primaryKey!.map((k, i) => ({
      constraint_catalog: c.database,
      constraint_schema: t.schema,
      constraint_name: `${t.name}_pkey`,
      table_catalog: c.database,
      table_schema: t.schema,
      table_name: t.name,
      column_name: t.columns[k].name,
      ordinal_position: i + 1,
    })),
  );

const catalogName: RowSource = (c) => [{ catalog_name: c.database }];

export const RELATION_ROWS: Readonly<Record<string, RowSource>> = {
  'pg_catalog.pg_class': pgClass,
  'pg_catalog.pg_attribute': pgAttribute,
  'pg_catalog.pg_attrdef': pgAttrdef,
  'pg_catalog.pg_index': pgIndex,
  'pg_catalog.pg_constraint': pgConstraint,
  'pg_catalog.pg_rewrite': pgRewrite,
  'pg_catalog.pg_depend': pgDepend,
  'pg_catalog.pg_namespace': pgNamespace,
  'pg_catalog.pg_description': pgDescription,
  'pg_catalog.pg_tables': pgTables,
  'pg_catalog.pg_views': pgViews,
  'pg_catalog.pg_indexes': pgIndexes,
  'pg_catalog.pg_stats': pgStats,
  'pg_catalog.mpp_distribution': mppDistribution,
  'pg_catalog.gp_distribution_policy': gpDistributionPolicy,
  'information_schema.tables': tables,
  'information_schema.columns': columns,
  'information_schema.schemata': schemata,
  'information_schema.views': views,
  'information_schema.table_constraints': tableConstraints,
  'information_schema.key_column_usage': keyColumnUsage,
  'information_schema.information_schema_catalog_name': catalogName,
};

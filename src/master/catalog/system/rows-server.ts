/** Rows of the system tables that describe the server: types, functions, roles, databases, settings, sessions. */

import { resolveCast } from '../../../types/functions/registry.js';
import type { CastContext } from '../../../types/functions/registry-types.js';
import { PG_READ_ALL_STATS } from '../../../types/roles/role-graph.js';
import {
  type SqlType,
  TYPE_INFO,
  type TypeKind,
  typeName,
  typeOid,
  typeSize,
  VECTORS,
  vectorType,
} from '../../../types/sql-type.js';
import { ARRAY_PROCS } from '../../../types/text-io.js';
import { findZone, zoneAbbreviation, zoneOffset } from '../../../types/time-zone.js';
import { PG_CATALOG_OID } from '../names.js';
import { ANY_OID, ANYARRAY_OID, callables } from './callables.js';
import {
  arrayOf,
  DATABASE_OID,
  type LateRowSource,
  OWNER_OID,
  type RowSource,
  type SystemRow,
  vectorOf,
} from './context.js';
import { typeTraits } from './type-traits.js';

type Scalar = Exclude<TypeKind, 'array'>;

function typeRow(type: SqlType, name: string, element: number, array: number): SystemRow {
  const traits = typeTraits(type);
  return {
    oid: typeOid(type),
    typname: name,
    typnamespace: PG_CATALOG_OID,
    typowner: OWNER_OID,
    typlen: typeSize(type),
    typbyval: traits.byValue,
    typtype: type.kind === 'void' || type.kind === 'unknown' ? 'p' : 'b',
    typcategory: traits.category,
    typispreferred: traits.preferred,
    typisdefined: true,
    typdelim: ',',
    typelem: element,
    typarray: array,
    typalign: traits.align,
    typstorage: traits.storage,
    typtypmod: -1,
    typcollation: traits.collation,
    ...(type.kind === 'array' && type.vector !== true
      ? {
          typinput: ARRAY_PROCS.array_in,
          typoutput: ARRAY_PROCS.array_out,
          typreceive: ARRAY_PROCS.array_recv,
          typsend: ARRAY_PROCS.array_send,
        }
      : {}),
  };
}

const pgType: RowSource = () => [
  ...PSEUDO_TYPES.map((t) => ({
    ...t,
    typnamespace: PG_CATALOG_OID,
    typowner: OWNER_OID,
    typlen: 4,
    typtype: 'p',
    typcategory: 'P',
    typisdefined: true,
    typdelim: ',',
    typalign: 'i',
    typstorage: 'p',
    typtypmod: -1,
  })),
  ...(Object.keys(TYPE_INFO) as Scalar[]).flatMap((kind) => {
    const info = TYPE_INFO[kind];
    const type = { kind } as SqlType;
    const rows = [typeRow(type, info.name, kind === 'name' ? 18 : 0, info.arrayOid)];
    if (info.arrayOid !== 0)
      rows.push(typeRow({ kind: 'array', element: type }, `_${info.name}`, info.oid, 0));
    return rows;
  }),
  ...VECTORS.flatMap((v) => {
    const type = vectorType(v.oid)!;
    const list: SqlType = { kind: 'array', element: type };
    return [
      { ...typeRow(type, v.name, TYPE_INFO[v.element].oid, v.arrayOid), typstorage: 'p' },
      { ...typeRow(list, `_${v.name}`, v.oid, 0), oid: v.arrayOid },
    ];
  }),
];

/** Pseudo-types that functions take. */
const PSEUDO_TYPES = [
  { oid: ANY_OID, typname: 'any' },
  { oid: ANYARRAY_OID, typname: 'anyarray' },
];

const pgProc: RowSource = () =>
  callables()
    .filter((c) => c.kind !== 'operator')
    .map((c) => ({
      oid: c.oid,
      proname: c.name,
      pronamespace: PG_CATALOG_OID,
      proowner: OWNER_OID,
      prolang: 12,
      procost: 1,
      provariadic: c.variadic ? ANY_OID : 0,
      prokind: c.kind === 'aggregate' ? 'a' : 'f',
      proisstrict: c.strict,
      provolatile: c.volatility,
      proparallel: 's',
      pronargs: c.args.length,
      prorettype: c.result,
      proargtypes: vectorOf(c.args),
      prosrc: c.name,
    }));

const pgOperator: RowSource = () =>
  callables()
    .filter((c) => c.kind === 'operator')
    .map((c) => ({
      oid: c.oid,
      oprname: c.name,
      oprnamespace: PG_CATALOG_OID,
      oprowner: OWNER_OID,
      oprkind: c.args.length === 2 ? 'b' : 'l',
      oprleft: c.args.length === 2 ? c.args[0] : 0,
      oprright: c.args[c.args.length - 1],
      oprresult: c.result,
    }));

const CAST_OIDS_FROM = 90_000;

const pgCast: RowSource = () => {
  const kinds = (Object.keys(TYPE_INFO) as Scalar[]).filter((k) => k !== 'void' && k !== 'unknown');
  const rows: SystemRow[] = [];
  for (const [i, from] of kinds.entries())
    for (const [k, to] of kinds.entries()) {
      if (i === k) continue;
      const [source, target] = [{ kind: from } as SqlType, { kind: to } as SqlType];
      const allows = (context: CastContext) => resolveCast(source, target, context) !== undefined;
      if (!allows('explicit')) continue;
      rows.push({
        oid: CAST_OIDS_FROM + i * kinds.length + k,
        castsource: TYPE_INFO[from].oid,
        casttarget: TYPE_INFO[to].oid,
        castcontext: allows('implicit') ? 'i' : allows('assignment') ? 'a' : 'e',
        castmethod: 'i',
      });
    }
  return rows;
};

const pgAm: RowSource = () => [
  { oid: 2, amname: 'mpp', amtype: 't' },
  { oid: 403, amname: 'btree', amtype: 'i' },
];

const pgCollation: RowSource = () =>
  [
    { oid: 100, collname: 'default', collprovider: 'd' },
    { oid: 950, collname: 'C', collprovider: 'c' },
    { oid: 951, collname: 'POSIX', collprovider: 'c' },
  ].map((r) => ({
    ...r,
    collnamespace: PG_CATALOG_OID,
    collowner: OWNER_OID,
    collisdeterministic: true,
    collencoding: -1,
    collcollate: r.oid === 100 ? null : r.collname,
    collctype: r.oid === 100 ? null : r.collname,
  }));

const pgLanguage: RowSource = () => [
  { oid: 12, lanname: 'internal', lanowner: OWNER_OID },
  { oid: 14, lanname: 'sql', lanowner: OWNER_OID, lanpltrusted: true },
];

const pgTablespace: RowSource = () => [
  { oid: 1663, spcname: 'pg_default', spcowner: OWNER_OID },
  { oid: 1664, spcname: 'pg_global', spcowner: OWNER_OID },
];

const pgDatabase: RowSource = (c) => [
  {
    oid: DATABASE_OID,
    datname: c.database,
    datdba: OWNER_OID,
    encoding: 6,
    datlocprovider: 'c',
    datistemplate: false,
    datallowconn: true,
    datconnlimit: -1,
    dattablespace: 1663,
    datcollate: 'C',
    datctype: 'C',
  },
];

const pgSettings: RowSource = (c) =>
  c.settings().map(({ definition: d, value, start, source }) => ({
    name: d.name,
    setting: value,
    unit: d.unit ?? null,
    category: d.category,
    short_desc: d.description,
    extra_desc: d.effect ? null : 'Has no effect in this server.',
    context: d.context,
    vartype: d.vartype,
    source,
    min_val: d.min === undefined ? null : String(d.min),
    max_val: d.max === undefined ? null : String(d.max),
    enumvals: d.values === undefined ? null : arrayOf(d.values),
    boot_val: d.default,
    reset_val: start,
    pending_restart: false,
  }));

/** What others run is shown to superusers, to members of pg_read_all_stats and to the role itself. */
const pgStatActivity: RowSource = (c) =>
  c.sessions().map((s) => {
    const known = { datid: DATABASE_OID, datname: s.database, pid: s.pid, usesysid: s.role, usename: s.user };
    if (!c.identity.has(PG_READ_ALL_STATS) && !c.identity.has(s.role))
      return { ...known, query: '<insufficient privilege>' };
    return {
      ...known,
      application_name: s.applicationName,
      client_addr: s.clientAddress ?? null,
      client_port: s.clientPort,
      backend_start: s.connectedMicros,
      xact_start: s.state === 'idle' ? null : (s.queryStartMicros ?? null),
      query_start: s.queryStartMicros ?? null,
      state_change: s.stateChangeMicros,
      state: s.state,
      query: s.query,
      backend_type: 'client backend',
    };
  });

const mppSegments: RowSource = (c) =>
  c.segments().map((s) => {
    const colon = s.address.lastIndexOf(':');
    if (colon < 0) return { id: s.id, up: s.up };
    return {
      id: s.id,
      host: s.address.slice(0, colon),
      port: Number(s.address.slice(colon + 1)),
      address: s.address,
      up: s.up,
      pid: s.pid ?? null,
    };
  });

const pgCursors: RowSource = ({ cursors }) =>
  cursors().map((x) => ({
    name: x.name,
    statement: x.statement,
    is_holdable: x.hold,
    is_binary: x.binary,
    is_scrollable: x.scroll,
    creation_time: x.createdMicros,
  }));

const pgPreparedStatements: RowSource = ({ preparedStatements }) =>
  preparedStatements().map((p) => ({
    name: p.name,
    statement: p.statement,
    prepare_time: p.madeMicros,
    parameter_types: arrayOf(p.paramTypes.map(typeName)),
    from_sql: p.fromSql,
    generic_plans: 0,
    custom_plans: 0,
  }));

const pgStatStatements: RowSource = ({ statements, identity }) =>
  statements().map((s) => ({
    userid: identity.graph.named(s.user)?.oid ?? 0,
    dbid: DATABASE_OID,
    toplevel: true,
    // As in pg_stat_activity.
    ...(identity.has(PG_READ_ALL_STATS) || s.user === identity.user
      ? { queryid: s.shape.queryId, query: s.shape.text }
      : { query: '<insufficient privilege>' }),
    plans: 0,
    total_plan_time: 0,
    min_plan_time: 0,
    max_plan_time: 0,
    mean_plan_time: 0,
    stddev_plan_time: 0,
    calls: s.calls,
    total_exec_time: s.totalMs,
    min_exec_time: s.minMs,
    max_exec_time: s.maxMs,
    mean_exec_time: s.meanMs,
    stddev_exec_time: Math.sqrt(s.squares / s.calls),
    rows: s.rows,
  }));

const pgStatSsl: RowSource = (c) =>
  c.sessions().map(({ pid, tls }) => ({
    pid,
    ssl: tls !== undefined,
    version: tls?.version ?? null,
    cipher: tls?.cipher ?? null,
    bits: tls?.bits ?? null,
  }));

const mppProgress: LateRowSource = async (c) =>
  (await c.progress()).map((p) => ({
    pid: p.pid,
    segment: p.segment,
    slice: p.slice,
    state: p.state,
    rows: p.rows,
    rows_total: p.rowsTotal ?? null,
  }));

const pgTimezoneNames: RowSource = () => {
  const seconds = Math.floor(Date.now() / 1000);
  const year = new Date().getUTCFullYear();
  const [january, july] = [Date.UTC(year, 0, 1) / 1000, Date.UTC(year, 6, 1) / 1000];
  return Intl.supportedValuesOf('timeZone').flatMap((name) => {
    const zone = findZone(name);
    if (zone === undefined) return [];
    const offset = zoneOffset(zone, seconds);
    const standard = Math.min(zoneOffset(zone, january), zoneOffset(zone, july));
    return [
      {
        name,
        abbrev: zoneAbbreviation(zone, seconds),
        utc_offset: { months: 0, days: 0, micros: BigInt(offset) * 1_000_000n },
        is_dst: offset !== standard,
      },
    ];
  });
};

export const SERVER_ROWS: Readonly<Record<string, RowSource>> = {
  'pg_catalog.pg_type': pgType,
  'pg_catalog.pg_proc': pgProc,
  'pg_catalog.pg_operator': pgOperator,
  'pg_catalog.pg_cast': pgCast,
  'pg_catalog.pg_am': pgAm,
  'pg_catalog.pg_collation': pgCollation,
  'pg_catalog.pg_language': pgLanguage,
  'pg_catalog.pg_tablespace': pgTablespace,
  'pg_catalog.pg_database': pgDatabase,
  'pg_catalog.pg_settings': pgSettings,
  'pg_catalog.pg_stat_activity': pgStatActivity,
  'pg_catalog.pg_stat_ssl': pgStatSsl,
  'pg_catalog.pg_cursors': pgCursors,
  'pg_catalog.pg_prepared_statements': pgPreparedStatements,
  'pg_catalog.pg_stat_statements': pgStatStatements,
  'pg_catalog.pg_timezone_names': pgTimezoneNames,
  'pg_catalog.mpp_segments': mppSegments,
};

export const LATE_SERVER_ROWS: Readonly<Record<string, LateRowSource | undefined>> = {
  'pg_catalog.mpp_progress': mppProgress,
};

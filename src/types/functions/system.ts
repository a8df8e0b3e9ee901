/** Session, catalog and administration functions: what clients such as psql ask before they show anything.
 *
 *  Names and definitions come through `ctx.catalog`, which only the master has; without it they are NULL or a default.
 *  Privileges are in `privileges.ts`. Source: PostgreSQL, chapters 9.26 and 9.27. */
import { formatArray, parseArray } from '../array-text.js';
import { notSupported, SqlError } from '../sql-error.js';
import { BOOL, INT4, INT8, NAME, OID, type SqlType, TEXT, typeOid } from '../sql-type.js';
import { typeNameByOid, typeOidByName } from '../text-io.js';
import { timeTypeName } from '../time-modifier.js';
import type { Value } from '../value.js';
import { define, num, str } from './define.js';
import type { FunctionContext, FunctionDef } from './registry-types.js';

const stable = { volatility: 'stable' } as const;
const stableNonStrict = { volatility: 'stable', strict: false } as const;
const NAME_ARRAY: SqlType = { kind: 'array', element: NAME };

export const SERVER_VERSION = '15.18';
export const PRODUCT_VERSION = 'mpp 0.1.0';

/** `format_type`: the name with its modifier in PostgreSQL's encoding. */
function formatType(oid: Value, mod: Value): Value {
  if (oid === null) return null;
  if (num(oid) === 0) return '-';
  const name = typeNameByOid(num(oid));
  if (name === undefined) return '???';
  if (mod === null || num(mod) < 0)
    return name.replace(/^character(?=\[|$)/, mod === null ? 'character' : 'bpchar');
  const m = num(mod) - 4;
  const suffix = name.endsWith('[]') ? '[]' : '';
  const base = suffix === '' ? name : name.slice(0, -2);
  if (base === 'numeric') return `numeric(${(m >> 16) & 0xffff},${((m & 0x7ff) ^ 1024) - 1024})${suffix}`;
  if (base === 'character' || base === 'character varying') return `${base}(${m})${suffix}`;
  if (/^(time|interval)/.test(base)) return `${timeTypeName(base, num(mod))}${suffix}`;
  return name;
}

/** A function that is true of everything, whatever it is asked about. */
function always(name: string, ...signatures: string[]): FunctionDef[] {
  return signatures.map((s) => define(name, s, BOOL, () => true, stable));
}

/** A comment or definition that nothing here has. */
function none(name: string, ...signatures: string[]): FunctionDef[] {
  return signatures.map((s) => define(name, s, TEXT, () => null, stable));
}

function currentSchema(ctx: FunctionContext): string | null {
  return ctx.searchPath.find((s) => s !== 'pg_catalog' && s !== '$user') ?? null;
}

function currentSchemas(withImplicit: boolean, ctx: FunctionContext): string {
  const path = ctx.searchPath.filter((s) => s !== '$user');
  return formatArray(withImplicit && !path.includes('pg_catalog') ? ['pg_catalog', ...path] : path);
}

function setting(name: string, missingOk: boolean, ctx: FunctionContext): Value {
  const v = ctx.catalog?.settings(name.toLowerCase());
  if (v !== undefined) return v;
  if (missingOk) return null;
  throw new SqlError('42704', `unrecognized configuration parameter "${name}"`);
}

const ENCODINGS: Readonly<Record<number, string>> = { 0: 'SQL_ASCII', 6: 'UTF8', 8: 'LATIN1' };

function sizeBytes(text: string): bigint {
  const m = /^\s*([+-]?\d*\.?\d+(?:[eE][+-]?\d+)?)\s*([a-zA-Z]*)\s*$/.exec(text);
  const units: Readonly<Record<string, number>> = {
    '': 0,
    b: 0,
    bytes: 0,
    kb: 10,
    mb: 20,
    gb: 30,
    tb: 40,
    pb: 50,
  };
  const shift = m === null ? undefined : units[m[2]!.toLowerCase()];
  if (m === null || shift === undefined) throw new SqlError('22023', `invalid size: "${text}"`);
  return BigInt(Math.round(Number(m[1]) * 2 ** shift));
}

/** `pg_typeof(x)` as a regtype. */
const REGTYPE: SqlType = { kind: 'regtype' };
const REGCLASS: SqlType = { kind: 'regclass' };

function user(name: string): FunctionDef {
  return define(
    name,
    '',
    NAME,
    name === 'session_user' ? (_a, ctx) => ctx.sessionUser ?? ctx.user : (_a, ctx) => ctx.user,
    stable,
  );
}

function typeOf(types: readonly SqlType[]): number {
  const t = types[0]!;
  return typeOid(t);
}

export const systemFunctions: readonly FunctionDef[] = [
  ...['current_user', 'session_user', 'user', 'current_role'].map(user),
  ...['current_database', 'current_catalog'].map((n) =>
    define(n, '', NAME, (_a, ctx) => ctx.database, stable),
  ),
  define('current_schema', '', NAME, (_a, ctx) => currentSchema(ctx), stable),
  define('current_schemas', 'bool', NAME_ARRAY, (a, ctx) => currentSchemas(a[0] === true, ctx), stable),
  define(
    'version',
    '',
    TEXT,
    () => `PostgreSQL ${SERVER_VERSION} (${PRODUCT_VERSION}) on Node.js ${process.version}`,
    stable,
  ),
  define(
    'pg_backend_pid',
    '',
    INT4,
    (_a, ctx) => Number(ctx.catalog?.settings('mpp.backend_pid') ?? process.pid),
    stable,
  ),
  ...(['cancel', 'terminate'] as const).map((how) =>
    define(
      `pg_${how}_backend`,
      'int4',
      BOOL,
      (a, ctx) => {
        const signal = ctx.catalog?.signalBackend;
        if (signal === undefined) throw notSupported(`pg_${how}_backend() over the rows of a query`);
        return signal(num(a[0]), how);
      },
      { volatility: 'volatile' },
    ),
  ),
  define(
    'pg_stat_statements_reset',
    '',
    { kind: 'void' },
    (_a, ctx) => {
      if (ctx.catalog?.resetStatements === undefined)
        throw notSupported('pg_stat_statements_reset() over the rows of a query');
      ctx.catalog.resetStatements();
      return '';
    },
    { volatility: 'volatile' },
  ),
  define(
    'pg_reload_conf',
    '',
    BOOL,
    (_a, ctx) => {
      const reload = ctx.catalog?.reloadConfiguration;
      if (reload === undefined) throw notSupported('pg_reload_conf() over the rows of a query');
      return reload();
    },
    { volatility: 'volatile' },
  ),
  define(
    'pg_postmaster_start_time',
    '',
    { kind: 'timestamptz' },
    () => BigInt(Math.round((Date.now() - process.uptime() * 1000) * 1000)),
    stable,
  ),
  define('pg_is_in_recovery', '', BOOL, () => false, stable),
  define('pg_is_other_temp_schema', 'oid', BOOL, () => false, stable),
  define('pg_my_temp_schema', '', OID, () => 0, stable),
  ...['inet_server_addr', 'inet_client_addr'].map((n) => define(n, '', TEXT, () => null, stable)),
  ...['inet_server_port', 'inet_client_port'].map((n) => define(n, '', INT4, () => null, stable)),
  // A transaction's start, in microseconds, tells it apart as a number would.
  ...['txid_current', 'pg_current_xact_id'].map((n) =>
    define(n, '', INT8, (_a, ctx) => ctx.nowMicros, stable),
  ),
  define(
    'set_config',
    'text text bool',
    TEXT,
    (a, ctx) => {
      if (a[0] === null) throw new SqlError('22004', 'SET requires parameter name');
      const set = ctx.catalog?.setSetting;
      if (set === undefined) throw notSupported('set_config() over the rows of a query');
      return set(str(a[0]), a[1] === null ? undefined : str(a[1]), a[2] === true);
    },
    { volatility: 'volatile', strict: false },
  ),
  define('current_setting', 'text', TEXT, (a, ctx) => setting(str(a[0]), false, ctx), stable),
  define('current_setting', 'text bool', TEXT, (a, ctx) => setting(str(a[0]), a[1] === true, ctx), stable),

  define('format_type', 'oid int4', TEXT, (a) => formatType(a[0]!, a[1]!), stableNonStrict),
  define('pg_typeof', 'any', REGTYPE, (_a, _ctx, types) => typeOf(types), stableNonStrict),
  define('to_regclass', 'text', REGCLASS, (a, ctx) => ctx.catalog?.relationOid(str(a[0])) ?? null, stable),
  define('to_regtype', 'text', REGTYPE, (a) => typeOidByName(str(a[0])) ?? null, stable),
  define(
    'pg_get_userbyid',
    'oid',
    NAME,
    (a, ctx) => ctx.catalog?.roleName(num(a[0])) ?? `unknown (OID=${num(a[0])})`,
    stable,
  ),
  define(
    'pg_table_is_visible',
    'oid',
    BOOL,
    (a, ctx) => ctx.catalog?.relationName(num(a[0]))?.visible ?? false,
    stable,
  ),
  ...[
    'type',
    'function',
    'operator',
    'opclass',
    'collation',
    'ts_config',
    'ts_dict',
    'ts_parser',
    'ts_template',
    'conversion',
    'statistics_obj',
    'opfamily',
  ].flatMap((o) => always(`pg_${o}_is_visible`, 'oid')),
  define('pg_get_viewdef', 'oid', TEXT, (a, ctx) => ctx.catalog?.viewDefinition(num(a[0])) ?? null, stable),
  define(
    'pg_get_viewdef',
    'oid bool',
    TEXT,
    (a, ctx) => ctx.catalog?.viewDefinition(num(a[0])) ?? null,
    stable,
  ),
  define(
    'pg_get_viewdef',
    'oid int4',
    TEXT,
    (a, ctx) => ctx.catalog?.viewDefinition(num(a[0])) ?? null,
    stable,
  ),
  // pg_node_tree columns hold the SQL text of the expression itself.
  define('pg_get_expr', 'text oid', TEXT, (a) => a[0]!, stable),
  define('pg_get_expr', 'text oid bool', TEXT, (a) => a[0]!, stable),
  define('pg_get_indexdef', 'oid', TEXT, (a, ctx) => ctx.catalog?.indexDefinition(num(a[0])) ?? null, stable),
  define(
    'pg_get_indexdef',
    'oid int4 bool',
    TEXT,
    (a, ctx) => ctx.catalog?.indexDefinition(num(a[0])) ?? null,
    stable,
  ),
  define(
    'pg_get_constraintdef',
    'oid',
    TEXT,
    (a, ctx) => ctx.catalog?.constraintDefinition(num(a[0])) ?? null,
    stable,
  ),
  define(
    'pg_get_constraintdef',
    'oid bool',
    TEXT,
    (a, ctx) => ctx.catalog?.constraintDefinition(num(a[0])) ?? null,
    stable,
  ),
  ...none('obj_description', 'oid', 'oid name'),
  ...none('shobj_description', 'oid name'),
  ...none('col_description', 'oid int4'),
  ...['pg_get_function_arguments', 'pg_get_function_identity_arguments'].map((n) =>
    define(n, 'oid', TEXT, (a, ctx) => ctx.catalog?.functionSignature?.(num(a[0]))?.args ?? null, stable),
  ),
  define(
    'pg_get_function_result',
    'oid',
    TEXT,
    (a, ctx) => ctx.catalog?.functionSignature?.(num(a[0]))?.result ?? null,
    stable,
  ),
  ...none('pg_get_functiondef', 'oid'),
  ...none('pg_get_function_sqlbody', 'oid'),
  ...none('pg_get_ruledef', 'oid', 'oid bool'),
  ...none('pg_get_triggerdef', 'oid', 'oid bool'),
  ...none('pg_get_partkeydef', 'oid'),
  ...none('pg_get_serial_sequence', 'text text'),
  ...none('pg_get_statisticsobjdef_columns', 'oid'),
  ...none('pg_tablespace_location', 'oid'),
  define('pg_relation_is_publishable', 'regclass', BOOL, () => false, stable),
  define('pg_encoding_to_char', 'int4', NAME, (a) => ENCODINGS[num(a[0])] ?? '', stable),
  define('pg_char_to_encoding', 'name', INT4, (a) => (/^utf-?8$/i.test(str(a[0])) ? 6 : -1), stable),
  define('pg_client_encoding', '', NAME, () => 'UTF8', stable),
  define('getdatabaseencoding', '', NAME, () => 'UTF8', stable),
  ...['pg_relation_size', 'pg_table_size', 'pg_total_relation_size', 'pg_indexes_size'].map((n) =>
    define(n, 'regclass', INT8, (a, ctx) => relationSize(num(a[0]), ctx), stable),
  ),
  define('pg_relation_size', 'regclass text', INT8, (a, ctx) => relationSize(num(a[0]), ctx), stable),
  ...['name', 'oid'].map((arg) =>
    define(
      'pg_database_size',
      arg,
      INT8,
      (_a, ctx) => BigInt(ctx.catalog?.settings('mpp.database_size') ?? '0'),
      stable,
    ),
  ),
  ...['name', 'oid'].map((arg) =>
    // Everything is in pg_default.
    define(
      'pg_tablespace_size',
      arg,
      INT8,
      (a, ctx) =>
        a[0] === 'pg_default' || a[0] === 1663
          ? BigInt(ctx.catalog?.settings('mpp.database_size') ?? '0')
          : 0n,
      stable,
    ),
  ),
  define('pg_size_bytes', 'text', INT8, (a) => sizeBytes(str(a[0]))),
  define('pg_column_size', 'any', INT4, (a) => columnSize(a[0]!), stable),
  define('array_dims', 'anyarray', TEXT, (a) => {
    const { length } = parseArray(str(a[0]));
    return length === 0 ? null : `[1:${length}]`;
  }),
  define('pg_sleep', 'float8', { kind: 'void' }, (a) => sleep(num(a[0])), { volatility: 'volatile' }),
];

/** Bytes on disk, if the catalog knows them (`settings` answers `mpp.relation_size.<oid>`). */
function relationSize(oid: number, ctx: FunctionContext): Value {
  if (ctx.catalog?.relationName(oid) === undefined) return null;
  return BigInt(ctx.catalog.settings(`mpp.relation_size.${oid}`) ?? '0');
}

function columnSize(v: Value): number {
  if (typeof v === 'string') return Buffer.byteLength(v) + 1;
  if (v instanceof Uint8Array) return v.length + 1;
  return typeof v === 'bigint' ? 8 : typeof v === 'boolean' ? 1 : 4;
}

/** Blocks its worker, as a backend's pg_sleep blocks the backend. */
function sleep(seconds: number): Value {
  if (seconds > 0)
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Math.min(seconds, 86400) * 1000);
  return '';
}

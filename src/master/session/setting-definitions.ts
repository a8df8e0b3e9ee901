/** The parameters that SET, SHOW and pg_settings know: PostgreSQL's names that clients use, and ours (`mpp.`).
 *
 *  Owns: defaults, checking and normalising of values. 22023 for a bad value, 55P02 for one that cannot change. Most
 *  of PostgreSQL's parameters are accepted so that clients' start-up statements work; those without an effect
 *  here say so in `effect`. */
import { SKIPPABLE } from '../../plan/skippable.js';
import { encodingName } from '../../types/charset.js';
import { PRODUCT_VERSION, SERVER_VERSION } from '../../types/functions/system.js';
import { SqlError } from '../../types/sql-error.js';
import { findZone } from '../../types/time-zone.js';

export type SettingDefinition = {
  readonly name: string;
  readonly default: string;
  /** user: any time; backend: at connection start only; internal: never. */
  readonly context: 'user' | 'backend' | 'postmaster' | 'internal';
  readonly vartype: 'bool' | 'integer' | 'real' | 'string' | 'enum';
  readonly category: string;
  readonly description: string;
  readonly unit?: string;
  readonly min?: number;
  readonly max?: number;
  readonly values?: readonly string[];
  /** Sent to the client when it changes. */
  readonly reported?: boolean;
  readonly effect: boolean;
  /** Normalises a value for display; throws 22023. */
  readonly check?: (value: string, current: string) => string;
};

const CONNECTION = 'Client Connection Defaults';
const PLANNER = 'Query Tuning / Planner Method Configuration';
const RESOURCE = 'Resource Usage / Memory';
const PRESET = 'Preset Options';
const COMPATIBILITY = 'Version and Platform Compatibility';

function badValue(name: string, value: string, hint?: string): SqlError {
  return new SqlError('22023', `invalid value for parameter "${name}": "${value}"`, { hint });
}

/** What is not said stays as it is; German dates have the day first unless something else is said. */
function checkDateStyle(value: string, current: string): string {
  let [style, order] = current.split(', ') as [string, string];
  let orderSaid = false;
  for (const part of value.split(',')) {
    const word = part.trim().toLowerCase();
    if (word === '') continue;
    if (word === 'iso') style = 'ISO';
    else if (word === 'sql') style = 'SQL';
    else if (word.startsWith('postgres')) style = 'Postgres';
    else if (word === 'german') {
      style = 'German';
      if (!orderSaid) order = 'DMY';
    } else if (word === 'mdy' || word === 'us' || word.startsWith('noneuro')) {
      order = 'MDY';
      orderSaid = true;
    } else if (word === 'dmy' || word.startsWith('euro')) {
      order = 'DMY';
      orderSaid = true;
    } else if (word === 'ymd') {
      order = 'YMD';
      orderSaid = true;
    } else if (word !== 'default') throw badValue('DateStyle', value);
  }
  return `${style}, ${order}`;
}

function checkTimeZone(value: string): string {
  if (/^(local|default)$/i.test(value)) return 'UTC';
  if (/^utc$/i.test(value)) return 'UTC';
  if (findZone(value) === undefined) throw badValue('TimeZone', value);
  return value;
}

function checkRuleNames(value: string): string {
  const names = value.split(/[\s,]+/).filter((n) => n !== '');
  const unknown = names.find((n) => !SKIPPABLE.includes(n));
  if (unknown !== undefined)
    throw new SqlError('22023', `invalid value for parameter "mpp.disabled_rules": "${value}"`, {
      detail: `"${unknown}" is neither an optional rule nor a technique.`,
      hint: `Available values: ${[...SKIPPABLE].sort().join(', ')}.`,
    });
  return names.join(', ');
}

function checkEncoding(value: string): string {
  const encoding = encodingName(value);
  if (encoding === undefined) throw badValue('client_encoding', value);
  if (encoding === 'missing') throw new SqlError('0A000', `client_encoding = ${value} is not supported yet`);
  return encoding.name;
}

/** A parameter that other servers can change and here has one value: better refused than silently ignored. */
function only(name: string, value: string, spellings: readonly string[]): (given: string) => string {
  return (given) => {
    if (spellings.includes(given.trim().toLowerCase())) return value;
    throw new SqlError('0A000', `${name} = ${given} is not supported yet`);
  };
}

const bool = (
  name: string,
  value: 'on' | 'off',
  category: string,
  description: string,
  effect = false,
): SettingDefinition => ({
  name,
  default: value,
  context: 'user',
  vartype: 'bool',
  category,
  description,
  effect,
});

const integer = (
  name: string,
  value: string,
  min: number,
  max: number,
  category: string,
  description: string,
  unit?: string,
  effect = false,
): SettingDefinition => ({
  name,
  default: value,
  context: 'user',
  vartype: 'integer',
  category,
  description,
  min,
  max,
  effect,
  ...(unit === undefined ? {} : { unit }),
});

const real = (name: string, value: string, category: string, description: string): SettingDefinition => ({
  name,
  default: value,
  context: 'user',
  vartype: 'real',
  category,
  description,
  min: 0,
  max: Number.MAX_VALUE,
  effect: false,
});

const text = (
  name: string,
  value: string,
  category: string,
  description: string,
  more: Partial<SettingDefinition> = {},
): SettingDefinition => ({
  name,
  default: value,
  context: 'user',
  vartype: 'string',
  category,
  description,
  effect: false,
  ...more,
});

const choice = (
  name: string,
  value: string,
  values: readonly string[],
  category: string,
  description: string,
  more: Partial<SettingDefinition> = {},
): SettingDefinition => ({
  name,
  default: value,
  context: 'user',
  vartype: 'enum',
  category,
  description,
  values,
  effect: false,
  ...more,
});

const preset = (
  name: string,
  value: string,
  vartype: SettingDefinition['vartype'],
  description: string,
  reported = false,
): SettingDefinition => ({
  name,
  default: value,
  context: 'internal',
  vartype,
  category: PRESET,
  description,
  reported,
  effect: true,
});

const LEVELS = [
  'debug5',
  'debug4',
  'debug3',
  'debug2',
  'debug1',
  'debug',
  'log',
  'notice',
  'warning',
  'error',
];
const ISOLATION = ['serializable', 'repeatable read', 'read committed', 'read uncommitted'];
const INT_MAX = 2147483647;

/** Drivers read the number before the first space. */
const SHOWN_VERSION = `${SERVER_VERSION} (${PRODUCT_VERSION})`;

export const SETTING_DEFINITIONS: readonly SettingDefinition[] = [
  text('application_name', '', CONNECTION, 'The application name shown in pg_stat_activity.', {
    reported: true,
    effect: true,
  }),
  choice('backslash_quote', 'safe_encoding', ['safe_encoding', 'on', 'off'], COMPATIBILITY, 'Accepted only.'),
  text('bytea_output', 'hex', CONNECTION, 'Output format of bytea.', {
    check: only('bytea_output', 'hex', ['hex']),
  }),
  bool('check_function_bodies', 'on', CONNECTION, 'Accepted only.'),
  text('client_encoding', 'UTF8', CONNECTION, "The client's character set encoding.", {
    reported: true,
    effect: true,
    check: checkEncoding,
  }),
  choice(
    'client_min_messages',
    'notice',
    LEVELS,
    CONNECTION,
    'The message levels that are sent to the client.',
    {
      effect: true,
    },
  ),
  integer('cursor_tuple_fraction', '0.1', 0, 1, PLANNER, 'Accepted only.'),
  text('DateStyle', 'ISO, MDY', CONNECTION, 'Display format and input order of dates.', {
    reported: true,
    effect: true,
    check: checkDateStyle,
  }),
  integer('deadlock_timeout', '1000', 1, INT_MAX, 'Lock Management', 'Accepted only.', 'ms'),
  text('default_table_access_method', 'mpp', CONNECTION, 'Accepted only.'),
  text('default_tablespace', '', CONNECTION, 'Accepted only.'),
  choice('default_transaction_isolation', 'read committed', ISOLATION, CONNECTION, 'Accepted only.'),
  {
    ...bool('default_transaction_read_only', 'off', CONNECTION, 'Refuses statements that write.', true),
    reported: true,
  },
  bool('default_transaction_deferrable', 'off', CONNECTION, 'Accepted only.'),
  integer('default_statistics_target', '100', 1, 10000, PLANNER, 'Accepted only.'),
  ...[
    'bitmapscan',
    'gathermerge',
    'hashagg',
    'hashjoin',
    'incremental_sort',
    'indexonlyscan',
    'indexscan',
    'material',
    'memoize',
    'mergejoin',
    'nestloop',
    'parallel_append',
    'parallel_hash',
    'partition_pruning',
    'seqscan',
    'sort',
    'tidscan',
  ].map((m) => bool(`enable_${m}`, 'on', PLANNER, 'Accepted only; see mpp.disabled_rules.')),
  integer('effective_cache_size', '524288', 1, INT_MAX, PLANNER, 'Accepted only.', '8kB'),
  integer('effective_io_concurrency', '1', 0, 1000, 'Resource Usage', 'Accepted only.'),
  bool('escape_string_warning', 'on', COMPATIBILITY, 'Accepted only.'),
  integer(
    'extra_float_digits',
    '1',
    -15,
    3,
    CONNECTION,
    'Digits shown of floating-point values.',
    undefined,
    true,
  ),
  choice('force_parallel_mode', 'off', ['off', 'on', 'regress'], PLANNER, 'Accepted only.'),
  integer('from_collapse_limit', '8', 1, INT_MAX, PLANNER, 'Accepted only.'),
  bool('geqo', 'on', PLANNER, 'Accepted only.'),
  bool('gp_enable_query_metrics', 'off', PLANNER, 'Accepted only.'),
  integer(
    'idle_in_transaction_session_timeout',
    '0',
    0,
    INT_MAX,
    CONNECTION,
    'Ends a session that waits for its client inside of a transaction block; 0 is never.',
    'ms',
    true,
  ),
  integer(
    'idle_session_timeout',
    '0',
    0,
    INT_MAX,
    CONNECTION,
    'Ends a session that waits for its client; 0 is never.',
    'ms',
    true,
  ),
  choice(
    'IntervalStyle',
    'postgres',
    ['postgres', 'postgres_verbose', 'sql_standard', 'iso_8601'],
    CONNECTION,
    'Display format of intervals.',
    { reported: true, effect: true },
  ),
  bool('jit', 'on', PLANNER, 'Accepted only: slices are always compiled.'),
  integer('join_collapse_limit', '8', 1, INT_MAX, PLANNER, 'Accepted only.'),
  text('lc_messages', 'C', CONNECTION, 'Accepted only.'),
  text('lc_monetary', 'C', CONNECTION, 'Accepted only.'),
  text('lc_numeric', 'C', CONNECTION, 'Accepted only.'),
  text('lc_time', 'C', CONNECTION, 'Accepted only.'),
  integer('lock_timeout', '0', 0, INT_MAX, CONNECTION, 'How long a statement waits for a lock.', 'ms', true),
  bool('log_duration', 'off', 'Reporting and Logging', 'Accepted only.'),
  integer('log_min_duration_statement', '-1', -1, INT_MAX, 'Reporting and Logging', 'Accepted only.', 'ms'),
  choice('log_statement', 'none', ['none', 'ddl', 'mod', 'all'], 'Reporting and Logging', 'Accepted only.'),
  integer('maintenance_work_mem', '65536', 1024, INT_MAX, RESOURCE, 'Accepted only.', 'kB'),
  integer('max_parallel_workers', '8', 0, 1024, RESOURCE, 'Accepted only.'),
  integer('max_parallel_workers_per_gather', '2', 0, 1024, RESOURCE, 'Accepted only.'),
  {
    ...bool(
      'mpp.copy_shared_files',
      'on',
      'mpp',
      'Segments that can open the file of a COPY read their blocks of it themselves.',
    ),
    effect: true,
  },
  {
    ...text(
      'mpp.disabled_rules',
      '',
      'mpp',
      'Names of optimizer rules and techniques that are skipped, separated by commas.',
      { check: checkRuleNames },
    ),
    effect: true,
  },
  {
    ...choice(
      'mpp.share_subplans',
      'auto',
      ['off', 'auto', 'on'],
      'mpp',
      'Computes subplans that occur more than once in a statement only once: never, when that costs less, always.',
    ),
    effect: true,
  },
  {
    ...integer(
      'mpp.query_memory',
      '0',
      0,
      INT_MAX,
      'mpp',
      'Memory of one query on one segment; 0 is the default share.',
      'kB',
    ),
    effect: true,
  },
  bool('mpp.statement_cache', 'on', 'mpp', 'Keeps plans of simple queries by their text.', true),
  choice(
    'password_encryption',
    'scram-sha-256',
    ['md5', 'scram-sha-256'],
    'Connections and Authentication',
    'Accepted only.',
  ),
  choice(
    'plan_cache_mode',
    'auto',
    ['auto', 'force_generic_plan', 'force_custom_plan'],
    PLANNER,
    'Accepted only.',
  ),
  bool('quote_all_identifiers', 'off', COMPATIBILITY, 'Accepted only.'),
  real('random_page_cost', '4', PLANNER, 'Accepted only.'),
  bool('row_security', 'on', CONNECTION, 'Accepted only.'),
  text('search_path', '"$user", public', CONNECTION, 'The schemas where unqualified names are looked up.', {
    effect: true,
  }),
  real('seed', '0', CONNECTION, 'Accepted only.'),
  real('seq_page_cost', '1', PLANNER, 'Accepted only.'),
  text('session_authorization', '', CONNECTION, 'The name of the user.', {
    reported: true,
    effect: true,
  }),
  choice('session_replication_role', 'origin', ['origin', 'replica', 'local'], CONNECTION, 'Accepted only.'),
  text('role', 'none', CONNECTION, 'The role whose privileges the session has.', { effect: true }),
  {
    ...bool(
      'standard_conforming_strings',
      'on',
      COMPATIBILITY,
      'Backslashes in plain literals are ordinary.',
    ),
    reported: true,
    check: only('standard_conforming_strings', 'on', ['on', 'true', 'yes', '1']),
  },
  integer(
    'statement_timeout',
    '0',
    0,
    INT_MAX,
    CONNECTION,
    'The time a statement may take; 0 is no limit.',
    'ms',
    true,
  ),
  bool('synchronize_seqscans', 'on', COMPATIBILITY, 'Accepted only.'),
  choice(
    'synchronous_commit',
    'on',
    ['local', 'remote_write', 'remote_apply', 'on', 'off'],
    'Write-Ahead Log',
    'Accepted only.',
  ),
  text('temp_tablespaces', '', CONNECTION, 'Accepted only.'),
  integer('temp_buffers', '1024', 100, INT_MAX, RESOURCE, 'Accepted only.', '8kB'),
  text('TimeZone', 'UTC', CONNECTION, 'The time zone of timestamps with time zone.', {
    reported: true,
    effect: true,
    check: checkTimeZone,
  }),
  bool('track_activities', 'on', 'Statistics', 'Accepted only.'),
  choice(
    'transaction_isolation',
    'read committed',
    ISOLATION,
    CONNECTION,
    'Every statement is a transaction here.',
  ),
  bool('transaction_read_only', 'off', CONNECTION, 'Refuses statements that write.', true),
  bool('transaction_deferrable', 'off', CONNECTION, 'Accepted only.'),
  bool('transform_null_equals', 'off', COMPATIBILITY, 'Accepted only.'),
  integer('work_mem', '4096', 64, INT_MAX, RESOURCE, 'Accepted only; see mpp.query_memory.', 'kB'),
  choice('xmloption', 'content', ['content', 'document'], CONNECTION, 'Accepted only.'),
  bool('zero_damaged_pages', 'off', 'Developer Options', 'Accepted only.'),
  preset('block_size', '8192', 'integer', 'Size of a disk block.'),
  preset('data_checksums', 'on', 'bool', 'Whether data files carry checksums.'),
  preset('in_hot_standby', 'off', 'bool', 'Whether hot standby is active.', true),
  preset('integer_datetimes', 'on', 'bool', 'Datetimes are integer based.', true),
  preset('is_superuser', 'on', 'bool', 'Whether the user is a superuser.', true),
  preset('lc_collate', 'C', 'string', 'The order of text.'),
  preset('lc_ctype', 'C', 'string', 'The classes of characters.'),
  preset('max_identifier_length', '63', 'integer', 'The longest name, in bytes.'),
  preset('max_index_keys', '32', 'integer', 'The most keys of an index.'),
  preset('server_encoding', 'UTF8', 'string', 'The encoding of the database.', true),
  preset('server_version', SHOWN_VERSION, 'string', 'The server version.', true),
  preset('server_version_num', '150018', 'integer', 'The server version as a number.'),
  {
    ...integer(
      'max_connections',
      '200',
      1,
      10000,
      'Connections and Authentication',
      'The most sessions at a time.',
      undefined,
      true,
    ),
    context: 'postmaster',
  },
  {
    ...integer(
      'port',
      '5433',
      1,
      65535,
      'Connections and Authentication',
      'The port the server listens on.',
      undefined,
      true,
    ),
    context: 'postmaster',
  },
  {
    ...bool('ssl', 'off', 'Connections and Authentication', 'Encrypted connections.', true),
    context: 'postmaster',
  },
  text('ssl_cert_file', '', 'Connections and Authentication', "The server's certificate.", {
    context: 'postmaster',
    effect: true,
  }),
  text('ssl_key_file', '', 'Connections and Authentication', "The certificate's key.", {
    context: 'postmaster',
    effect: true,
  }),
  {
    ...choice('wal_level', 'replica', ['minimal', 'replica', 'logical'], 'Write-Ahead Log', 'Accepted only.'),
    context: 'postmaster',
  },
];

const BY_NAME = new Map(SETTING_DEFINITIONS.map((d) => [d.name.toLowerCase(), d]));

/** Other spellings of a parameter's name. */
const ALIASES: Readonly<Record<string, string>> = { timezone: 'timezone', time_zone: 'timezone' };

export function settingDefinition(name: string): SettingDefinition | undefined {
  const key = name.toLowerCase();
  return BY_NAME.get(ALIASES[key] ?? key);
}

const UNITS: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  ms: { us: 0.001, ms: 1, s: 1000, min: 60_000, h: 3_600_000, d: 86_400_000 },
  kB: { B: 1 / 1024, kB: 1, MB: 1024, GB: 1024 * 1024, TB: 1024 * 1024 * 1024 },
  '8kB': { B: 1 / 8192, kB: 1 / 8, MB: 128, GB: 131072, TB: 134217728 },
};

/** The value as it is stored, in the parameter's base unit. Throws 22023. */
export function normaliseSetting(d: SettingDefinition, value: string, current = d.default): string {
  if (d.check !== undefined) return d.check(value, current);
  switch (d.vartype) {
    case 'bool': {
      const word = value.trim().toLowerCase();
      if (
        word === '1' ||
        (word.length > 0 && ('true'.startsWith(word) || 'yes'.startsWith(word))) ||
        word === 'on'
      )
        return 'on';
      if (
        word === '0' ||
        (word.length > 0 && ('false'.startsWith(word) || 'no'.startsWith(word))) ||
        word === 'off' ||
        word === 'of'
      )
        return 'off';
      throw new SqlError('22023', `parameter "${d.name}" requires a Boolean value`);
    }
    case 'enum': {
      const word = value.toLowerCase();
      if (d.values!.includes(word)) return word;
      throw badValue(
        d.name,
        value,
        `Available values: ${d.values!.filter((v) => v !== 'debug').join(', ')}.`,
      );
    }
    case 'integer':
    case 'real':
      return normaliseNumber(d, value);
    case 'string':
      return value;
  }
}

function normaliseNumber(d: SettingDefinition, value: string): string {
  const m = /^\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*([a-zA-Z]*)\s*$/.exec(value);
  if (m === null) throw badValue(d.name, value);
  let n = Number(m[1]);
  if (m[2] !== '') {
    const units = d.unit === undefined ? undefined : UNITS[d.unit];
    const factor = units?.[m[2]];
    if (factor === undefined)
      throw badValue(
        d.name,
        value,
        units === undefined
          ? undefined
          : `Valid units for this parameter are ${Object.keys(units)
              .map((u) => `"${u}"`)
              .join(', ')}.`,
      );
    n *= factor;
  }
  if (d.vartype === 'integer' && Number.isInteger(d.min)) n = Math.round(n);
  const unit = d.unit === undefined ? '' : ` ${d.unit}`;
  if (n < d.min! || n > d.max!)
    throw new SqlError(
      '22023',
      `${n}${unit} is outside the valid range for parameter "${d.name}" (${d.min} .. ${d.max})`,
    );
  return String(n);
}

/** The value as SHOW prints it: in the largest unit that divides it. */
export function shownSetting(d: SettingDefinition, value: string): string {
  const n = Number(value);
  if (d.unit === undefined || n <= 0) return value;
  const units =
    d.unit === 'ms' ? (['d', 'h', 'min', 's', 'ms'] as const) : (['TB', 'GB', 'MB', 'kB'] as const);
  for (const u of units) {
    const per = UNITS[d.unit][u];
    const count = n / per;
    if (count >= 1 && Number.isInteger(count)) return `${count}${u}`;
  }
  return value;
}

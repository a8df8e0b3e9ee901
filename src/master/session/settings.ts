/** One session's settings: what SET, RESET and SHOW change and read.
 *
 *  Owns: current values over defaults. Invariant: every name in here has a definition, or is a custom one (`a.b`), as
 *  PostgreSQL allows. 42704 for unknown names. */
import type { EvalSettings } from '../../engine/api.js';
import { SqlError } from '../../types/sql-error.js';
import {
  normaliseSetting,
  SETTING_DEFINITIONS,
  type SettingDefinition,
  settingDefinition,
  shownSetting,
} from './setting-definitions.js';

export type SettingRow = {
  readonly definition: SettingDefinition;
  readonly value: string;
  readonly start: string;
  readonly source: string;
};

function unknown(name: string): SqlError {
  return new SqlError('42704', `unrecognized configuration parameter "${name}"`);
}

export class SessionSettings {
  private readonly values = new Map<string, string>();
  private readonly starts = new Map<string, string>();
  private readonly custom = new Map<string, string>();
  /** As whom the session logged in. */
  readonly startUser: string;
  readonly database: string;
  /** As whom it acts now; the session's own object once there is one. */
  identity: { readonly user: string; readonly sessionUser: string };
  /** Values as they were when the transaction block began, and what SET LOCAL has changed since. */
  private before: ReadonlyMap<string, string> | undefined;
  private readonly local = new Set<string>();
  private readonly changed: (name: string, value: string) => void;
  /** Grows with every change of any value: what was derived from settings at the same revision still holds. */
  revision = 0;

  /** `changed` hears of every parameter that is reported to clients. */
  constructor(user: string, database: string, changed: (name: string, value: string) => void) {
    this.startUser = user;
    this.identity = { user, sessionUser: user };
    this.database = database;
    this.changed = changed;
    this.starts.set('session_authorization', user);
  }

  /** A value from the start-up packet: the session's default. */
  start(name: string, value: string): void {
    this.revision++;
    const d = settingDefinition(name);
    if (d === undefined) {
      if (!name.includes('.')) throw unknown(name);
      this.custom.set(name.toLowerCase(), value);
      return;
    }
    if (d.context !== 'user') throw new SqlError('55P02', `parameter "${d.name}" cannot be changed`);
    this.starts.set(key(d), normaliseSetting(d, value));
  }

  /** A value that the server knows and clients cannot change. */
  preset(name: string, value: string): void {
    this.revision++;
    this.starts.set(name, value);
  }

  /** A preset that follows another setting: clients hear of it. */
  follow(name: string, value: string): void {
    if (this.get(name) === value) return;
    this.preset(name, value);
    this.changed(name, value);
  }

  get(name: string): string {
    const d = settingDefinition(name);
    if (d === undefined) {
      const value = this.custom.get(name.toLowerCase());
      if (value === undefined) throw unknown(name);
      return value;
    }
    return this.values.get(key(d)) ?? this.starts.get(key(d)) ?? d.default;
  }

  show(name: string): string {
    const d = settingDefinition(name);
    return d === undefined ? this.get(name) : shownSetting(d, this.get(name));
  }

  get user(): string {
    return this.identity.user;
  }

  /** The name as it is shown in a column header. */
  canonicalName(name: string): string {
    return settingDefinition(name)?.name ?? name.toLowerCase();
  }

  has(name: string): boolean {
    return settingDefinition(name) !== undefined || this.custom.has(name.toLowerCase());
  }

  /** `values` undefined: to the default. */
  set(name: string, values: readonly string[] | undefined): void {
    const d = settingDefinition(name);
    this.setText(name, values && (d === undefined ? values.join(', ') : joined(d, values)));
  }

  /** The text that SET would store, with SET's errors, and nothing set. */
  checked(name: string, values: readonly string[] | undefined): string | undefined {
    const d = settingDefinition(name);
    if (d === undefined && !name.includes('.')) throw unknown(name);
    if (d !== undefined && d.context !== 'user')
      throw new SqlError('55P02', `parameter "${d.name}" cannot be changed`);
    if (values === undefined) return undefined;
    if (d === undefined) return values.join(', ');
    const text = joined(d, values);
    normaliseSetting(d, text);
    return text;
  }

  /** The value as it is stored; undefined: the default. */
  setText(name: string, text: string | undefined): void {
    this.revision++;
    const d = settingDefinition(name);
    if (d === undefined) {
      if (!/^[a-z_][\w$]*(\.[a-z_][\w$]*)+$/i.test(name) || /^mpp\./i.test(name)) throw unknown(name);
      if (text === undefined) this.custom.delete(name.toLowerCase());
      else this.custom.set(name.toLowerCase(), text);
      return;
    }
    if (d.context === 'internal') throw new SqlError('55P02', `parameter "${d.name}" cannot be changed`);
    if (d.context === 'postmaster')
      throw new SqlError('55P02', `parameter "${d.name}" cannot be changed without restarting the server`);
    const before = this.get(name);
    if (text === undefined) this.values.delete(key(d));
    else this.values.set(key(d), normaliseSetting(d, text, before));
    const after = this.get(name);
    if (d.reported === true && after !== before) this.changed(d.name, after);
  }

  resetAll(): void {
    for (const d of SETTING_DEFINITIONS)
      if (this.values.has(key(d)) && !IDENTITY_SETTINGS.has(key(d))) this.set(d.name, undefined);
    this.custom.clear();
    this.revision++;
  }

  // ---- transaction blocks: ROLLBACK undoes SET, COMMIT undoes SET LOCAL

  beginBlock(): void {
    this.before = new Map(this.values);
    this.local.clear();
  }

  markLocal(name: string): void {
    const d = settingDefinition(name);
    if (this.before !== undefined && d !== undefined) this.local.add(key(d));
  }

  endBlock(committed: boolean): void {
    const { before } = this;
    if (before === undefined) return;
    this.before = undefined;
    for (const d of SETTING_DEFINITIONS) {
      const k = key(d);
      if (committed && !this.local.has(k)) continue;
      const value = before.get(k);
      if (value !== this.values.get(k)) this.set(d.name, value === undefined ? undefined : [value]);
    }
    this.local.clear();
  }

  reported(): readonly (readonly [string, string])[] {
    return SETTING_DEFINITIONS.filter((d) => d.reported === true).map((d) => [d.name, this.get(d.name)]);
  }

  rows(): readonly SettingRow[] {
    return SETTING_DEFINITIONS.map((definition) => ({
      definition,
      value: this.get(definition.name),
      start: this.starts.get(key(definition)) ?? definition.default,
      source: this.values.has(key(definition))
        ? 'session'
        : this.starts.has(key(definition))
          ? 'client'
          : 'default',
    })).sort((a, b) => (a.definition.name.toLowerCase() < b.definition.name.toLowerCase() ? -1 : 1));
  }

  /** All as SHOW prints them, by lower-case name. */
  shown(): readonly (readonly [string, string])[] {
    return [
      ...SETTING_DEFINITIONS.map((d) => [key(d), this.show(d.name)] as const),
      ...[...this.custom].map(([name, value]) => [name, value] as const),
    ];
  }

  number(name: string): number {
    return Number(this.get(name));
  }

  on(name: string): boolean {
    return this.get(name) === 'on';
  }

  /** The schemas of `search_path`, "$user" replaced. */
  searchPath(): readonly string[] {
    return splitIdentifiers(this.get('search_path')).map((s) => (s === '$user' ? this.user : s));
  }

  evalSettings(nowMicros: bigint): EvalSettings {
    return {
      nowMicros,
      timeZone: this.get('TimeZone'),
      dateStyle: this.get('DateStyle'),
      intervalStyle: this.get('IntervalStyle'),
      extraFloatDigits: this.number('extra_float_digits'),
      user: this.user,
      sessionUser: this.identity.sessionUser,
      database: this.database,
      searchPath: this.searchPath(),
    };
  }
}

/** RESET ALL leaves them. */
export const IDENTITY_SETTINGS: ReadonlySet<string> = new Set(['role', 'session_authorization']);

function key(d: SettingDefinition): string {
  return d.name.toLowerCase();
}

/** SET search_path TO a, "B": a list is stored as text that can be read back. */
function joined(d: SettingDefinition, values: readonly string[]): string {
  if (d.name !== 'search_path') return values.join(', ');
  if (values.length === 1 && /[",]/.test(values[0])) return values[0];
  return values.map((v) => (/^[a-z_][a-z0-9_$]*$/.test(v) ? v : `"${v.replaceAll('"', '""')}"`)).join(', ');
}

/** A list of identifiers: unquoted ones fold to lower case. */
export function splitIdentifiers(list: string): readonly string[] {
  const names: string[] = [];
  for (const m of list.matchAll(/"((?:[^"]|"")*)"|([^\s,"]+)/g))
    names.push(m[1] !== undefined ? m[1].replaceAll('""', '"') : m[2].toLowerCase());
  return names.filter((n) => n !== '');
}

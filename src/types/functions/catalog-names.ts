/** The names behind oids as plain data, so that catalog functions can run where the catalog is not: in the engine's
 *  worker threads. Made by the master for statements that ask for names; see `CatalogFunctions`. */
import { SqlError } from '../sql-error.js';
import { AccessCatalog, type AccessNames } from './privileges.js';
import type { CatalogFunctions } from './registry-types.js';

export type CatalogNames = {
  readonly relations: readonly {
    readonly oid: number;
    readonly schema: string;
    readonly name: string;
    readonly visible: boolean;
  }[];
  readonly namespaces: readonly (readonly [oid: number, name: string])[];
  /** Definitions by oid: of views, indexes and constraints. */
  readonly views: readonly (readonly [oid: number, text: string])[];
  readonly indexes: readonly (readonly [oid: number, text: string])[];
  readonly constraints: readonly (readonly [oid: number, text: string])[];
  /** Argument list and result type of functions, and how regprocedure and regoperator show them; only for statements
   *  that ask. */
  readonly signatures?: readonly (readonly [oid: number, args: string, result: string, call: string])[];
  /** The sessions that are there, and where a signal for one is sent; only for statements that send some. */
  readonly signals?: {
    readonly channel: string;
    readonly pids: readonly number[];
    /** Why the role may not signal some of them. */
    readonly denied: readonly (readonly [pid: number, how: Signal['how'], message: string])[];
  };
  readonly roles: readonly (readonly [oid: number, name: string])[];
  /** Only for statements that ask about privileges. */
  readonly access?: AccessNames;
  /** By lower-case name. */
  readonly settings: readonly (readonly [name: string, value: string])[];
};

/** The parts of a dotted name: quoted parts as they are, others in lower case. */
export function splitQualifiedName(text: string): readonly string[] {
  const parts: string[] = [];
  for (const m of text.matchAll(/"((?:[^"]|"")*)"|([^\s."]+)/g))
    parts.push(m[1] !== undefined ? m[1].replaceAll('""', '"') : m[2].toLowerCase());
  return parts;
}

/** What asks the thread with the sessions, by a channel's name, to signal one. */
export type Signal = { readonly pid: number; readonly how: 'cancel' | 'terminate' };

export function namedCatalog(
  names: CatalogNames,
  send?: (channel: string, signal: Signal) => void,
): CatalogFunctions {
  const { signals } = names;
  const relations = new Map(names.relations.map((r) => [r.oid, r]));
  const visible = new Map<string, number>();
  const qualified = new Map<string, number>();
  for (const r of names.relations) {
    if (r.visible) visible.set(r.name, r.oid);
    qualified.set(`${r.schema}\0${r.name}`, r.oid);
  }
  const namespaces = new Map(names.namespaces);
  const views = new Map(names.views);
  const indexes = new Map(names.indexes);
  const constraints = new Map(names.constraints);
  const settings = new Map(names.settings);
  const roles = new Map(names.roles);
  let access: AccessCatalog | undefined;
  const signatures = new Map(
    (names.signatures ?? []).map(([oid, args, result, call]) => [oid, { args, result, call }]),
  );
  return {
    relationName: (oid) => relations.get(oid),
    relationOid(text) {
      const parts = splitQualifiedName(text);
      const name = parts.at(-1);
      const schema = parts.at(-2);
      if (name === undefined || parts.length > 3) return undefined;
      return schema === undefined ? visible.get(name) : qualified.get(`${schema}\0${name}`);
    },
    viewDefinition: (oid) => views.get(oid),
    namespaceName: (oid) => namespaces.get(oid),
    indexDefinition: (oid) => indexes.get(oid),
    constraintDefinition: (oid) => constraints.get(oid),
    functionSignature: (oid) => signatures.get(oid),
    settings: (name) => settings.get(name.toLowerCase()),
    roleName: (oid) => roles.get(oid),
    access() {
      access ??= names.access && new AccessCatalog(names.access);
      return access;
    },
    ...(signals === undefined || send === undefined
      ? {}
      : {
          signalBackend(pid, how) {
            const denied = signals.denied.find((d) => d[0] === pid && d[1] === how);
            if (denied !== undefined) throw new SqlError('42501', denied[2]);
            const known = signals.pids.includes(pid);
            if (known) send(signals.channel, { pid, how });
            return known;
          },
        }),
  };
}

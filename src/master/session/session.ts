/** One client's session: its settings, transaction block, prepared statements and portals, and the path of a statement
 *  from text to rows.
 *
 *  Owns: simple queries and the steps of the extended protocol, cancelling and timing out the statement that runs.
 *  Must not know: sockets. Invariants: one statement runs at a time; every error leaves the session usable; a query
 *  that is left (closed portal, lost client, cancel) has ended everywhere when its promise settles. */

import { bindStatement } from '../../plan/bind/bind.js';
import type { BoundStatement } from '../../plan/bind/statement.js';
import type { Catalog } from '../../plan/catalog.js';
import { type ParsedStatement, parseSql } from '../../plan/sql/parse.js';
import { type CatalogNames, namedCatalog } from '../../types/functions/catalog-names.js';
import { AccessCatalog } from '../../types/functions/privileges.js';
import type { CatalogFunctions, FunctionContext } from '../../types/functions/registry-types.js';
import { SqlError } from '../../types/sql-error.js';
import type { SqlType } from '../../types/sql-type.js';
import type { Value } from '../../types/value.js';
import { accessNames, signalDenial, signalNames } from '../catalog/access-names.js';
import { CatalogView, catalogNames } from '../catalog/catalog-view.js';
import { signatures } from '../catalog/system/callables.js';
import type { SessionActivity, SystemContext } from '../catalog/system/context.js';
import { describeStatement } from '../statements/describe.js';
import { checkAccess } from '../statements/relation-access.js';
import { startStatement } from '../statements/start.js';
import { ByteWriter } from '../wire/byte-writer.js';
import {
  BIND_COMPLETE,
  CLOSE_COMPLETE,
  commandComplete,
  EMPTY_QUERY,
  type FieldDescription,
  type FormatCode,
  NO_DATA,
  type NoticeFields,
  PARSE_COMPLETE,
  PORTAL_SUSPENDED,
  parameterDescription,
  rowDescription,
} from '../wire/messages.js';
import type { TlsSession } from '../wire/tls.js';
import type { ClientOutput } from './client-output.js';
import type { Cursor } from './cursor.js';
import { SessionIdentity } from './identity.js';
import { type NamesAsked, NO_NAMES_ASKED } from './names-asked.js';
import { type Binding, closePortal, type Portal, type Prepared } from './prepared.js';
import { RecentStatements } from './recent-statements.js';
import { sendRows } from './send-rows.js';
import type { MasterServices } from './services.js';
import { IDENTITY_SETTINGS, type SessionSettings } from './settings.js';
import type { RunContext, StatementRun } from './statement-run.js';
import { abortedBlock, TransactionBlock } from './transaction.js';

/** The setting under which pg_backend_pid() finds the session's process id. */
const BACKEND_PID = 'mpp.backend_pid';

export type ClientInfo = {
  /** That logged in. */
  readonly role: number;
  readonly pid: number;
  readonly address: string | undefined;
  readonly port: number;
  /** Undefined: in the clear. */
  readonly tls: TlsSession | undefined;
};

export class Session {
  readonly services: MasterServices;
  readonly settings: SessionSettings;
  readonly output: ClientOutput;
  readonly client: ClientInfo;
  readonly identity: SessionIdentity;
  readonly transaction = new TransactionBlock();
  readonly prepared = new Map<string, Prepared>();
  readonly cursors = new Map<string, Cursor>();
  private readonly portals = new Map<string, Portal>();
  private readonly recent = new RecentStatements();
  private readonly writer = new ByteWriter(64 * 1024);
  private readonly connected = nowMicros();
  private running: AbortController | undefined;
  private query = '';
  private queryStart: bigint | undefined;
  private stateChange = nowMicros();
  private closed = false;

  constructor(services: MasterServices, settings: SessionSettings, output: ClientOutput, client: ClientInfo) {
    this.services = services;
    this.settings = settings;
    this.output = output;
    this.client = client;
    this.identity = new SessionIdentity(services.catalog, settings, client.role);
  }

  // ---------------------------------------------------------------- simple protocol

  /** Runs the statements of `text` in order, each to its CommandComplete; the first error ends the string. */
  async simpleQuery(text: string): Promise<void> {
    // As in PostgreSQL, a simple query replaces the unnamed portal and statement.
    this.prepared.delete('');
    await this.dropPortal('');
    const { revision } = this.settings;
    const known = this.settings.on('mpp.statement_cache') ? this.recent.get(text, revision) : undefined;
    const statements = this.begin(text, () => known ?? parseSql(text).map(unnamed));
    if (statements.length === 0) this.output.write(EMPTY_QUERY);
    for (const one of statements) {
      const parsed = one.parsed!;
      const controller = new AbortController();
      await this.during(controller, parsed.text, async () => {
        this.checkBlock(parsed);
        const began = performance.now();
        const run = await startStatement(this, one, this.runContext(controller.signal, []));
        const tag = await this.finishRun(run, controller.signal);
        this.count(one, performance.now() - began, tag);
      });
    }
    if (known === undefined) this.recent.keep(text, revision, statements);
    if (!this.transaction.open) await this.closeAllPortals();
  }

  private async finishRun(run: StatementRun, signal: AbortSignal): Promise<string> {
    let rows = 0;
    const formats = run.formats ?? [];
    if (run.fields !== undefined) this.output.write(rowDescription(run.fields, formats, this.output.charset));
    if (run.stream !== undefined) {
      const state = { block: undefined, offset: 0 };
      try {
        const sent = await sendRows(run.stream, state, formats, 0, this.output, this.writer, signal);
        rows = sent.rows;
      } finally {
        await releaseState(state, run);
      }
    }
    const tag = run.tag(rows);
    this.output.write(commandComplete(tag));
    return tag;
  }

  /** A statement has run to its end. */
  private count({ parsed, binding }: Prepared, ms: number, tag: string): void {
    const statement = binding?.statement;
    // As the extension does: EXECUTE counts for what was prepared.
    if (statement?.kind === 'prepare' || statement?.kind === 'deallocate') return;
    const executed = statement?.kind === 'execute' ? this.prepared.get(statement.name) : undefined;
    const text = executed?.madeBy ?? parsed?.text ?? '';
    const rows = Number(/ (\d+)$/.exec(tag)?.[1] ?? 0);
    const { user, database } = this.settings;
    this.services.statistics.add({ user, database, text, ms, rows });
  }

  // ---------------------------------------------------------------- extended protocol

  parse(name: string, text: string, declaredTypes: readonly (SqlType | undefined)[]): void {
    const statements = this.begin(text, () => parseSql(text));
    if (statements.length > 1)
      throw new SqlError('42601', 'cannot insert multiple commands into a prepared statement');
    const parsed = statements[0];
    if (parsed !== undefined) this.checkBlock(parsed);
    if (name !== '' && this.prepared.has(name))
      throw new SqlError('42P05', `prepared statement "${name}" already exists`);
    const prepared: Prepared = {
      name,
      parsed,
      declaredTypes,
      madeBy: text,
      madeMicros: this.queryStart ?? nowMicros(),
      binding: undefined,
    };
    if (parsed !== undefined) this.bind(prepared, nowMicros());
    this.prepared.set(name, prepared);
    this.output.write(PARSE_COMPLETE);
  }

  preparedStatement(name: string): Prepared {
    const prepared = this.prepared.get(name);
    if (prepared !== undefined) return prepared;
    throw new SqlError(
      '26000',
      name === ''
        ? 'unnamed prepared statement does not exist'
        : `prepared statement "${name}" does not exist`,
    );
  }

  /** The types of its parameters, once bound. */
  paramTypes(prepared: Prepared): readonly SqlType[] {
    return prepared.parsed === undefined ? [] : this.bind(prepared, nowMicros()).statement.paramTypes;
  }

  async createPortal(
    name: string,
    prepared: Prepared,
    params: readonly Value[],
    formatsOf: (columns: number) => readonly FormatCode[],
  ): Promise<void> {
    if (prepared.parsed !== undefined) this.checkBlock(prepared.parsed);
    if (name === '') await this.dropPortal('');
    else this.checkCursorName(name);
    const fields = this.fieldsOf(prepared);
    this.portals.set(name, {
      name,
      prepared,
      params,
      resultFormats: formatsOf(fields?.length ?? 0),
      controller: new AbortController(),
      run: undefined,
      block: undefined,
      offset: 0,
      rowsSent: 0,
      ms: 0,
      done: false,
    });
    this.output.write(BIND_COMPLETE);
  }

  private fieldsOf(prepared: Prepared): readonly FieldDescription[] | undefined {
    if (prepared.parsed === undefined) return undefined;
    return describeStatement(this, this.bind(prepared, nowMicros()).statement);
  }

  describePrepared(name: string): void {
    const prepared = this.preparedStatement(name);
    const fields = this.fieldsOf(prepared);
    if (fields !== undefined) this.refuseInFailedBlock();
    this.output.write(parameterDescription(this.paramTypes(prepared)));
    this.describeFields(fields, []);
  }

  describePortal(name: string): void {
    const portal = this.portal(name);
    const fields = portal.run?.fields ?? this.fieldsOf(portal.prepared);
    if (fields !== undefined) this.refuseInFailedBlock();
    this.describeFields(fields, portal.resultFormats);
  }

  private describeFields(
    fields: readonly FieldDescription[] | undefined,
    formats: readonly FormatCode[],
  ): void {
    this.output.write(fields === undefined ? NO_DATA : rowDescription(fields, formats, this.output.charset));
  }

  private portal(name: string): Portal {
    const portal = this.portals.get(name);
    if (portal === undefined) throw new SqlError('34000', `portal "${name}" does not exist`);
    return portal;
  }

  async execute(name: string, max: number): Promise<void> {
    const portal = this.portal(name);
    const { parsed } = portal.prepared;
    if (parsed === undefined) {
      this.output.write(EMPTY_QUERY);
      return;
    }
    this.checkBlock(parsed);
    await this.during(portal.controller, parsed.text, async () => {
      const { signal } = portal.controller;
      const began = performance.now();
      const ended = (tag: string): void => {
        portal.ms += performance.now() - began;
        this.count(portal.prepared, portal.ms, tag);
        this.output.write(commandComplete(tag));
      };
      try {
        const first = portal.run === undefined;
        const run =
          portal.run ?? (await startStatement(this, portal.prepared, this.runContext(signal, portal.params)));
        portal.run = run;
        if (portal.done) {
          // A finished query has no more rows; a finished command cannot run again.
          if (run.stream === undefined && !first)
            throw new SqlError('55000', `portal "${name}" cannot be run`);
          this.output.write(commandComplete(run.tag(0)));
          return;
        }
        if (run.stream === undefined) {
          portal.done = true;
          ended(run.tag(0));
          return;
        }
        const sent = await sendRows(
          run.stream,
          portal,
          portal.resultFormats,
          max,
          this.output,
          this.writer,
          signal,
        );
        portal.rowsSent += sent.rows;
        if (sent.more) {
          portal.ms += performance.now() - began;
          this.output.write(PORTAL_SUSPENDED);
          return;
        }
        portal.done = true;
        await run.stream.close();
        ended(run.tag(sent.rows));
      } catch (e) {
        this.portals.delete(name);
        await closePortal(portal);
        throw e;
      }
    });
  }

  async closeTarget(kind: 'S' | 'P', name: string): Promise<void> {
    if (kind === 'S') this.prepared.delete(name);
    else await this.dropPortal(name);
    this.output.write(CLOSE_COMPLETE);
  }

  /** Portals live as long as the transaction: outside of a block that is until Sync. */
  async sync(): Promise<void> {
    if (!this.transaction.open) await this.closeAllPortals();
  }

  private async dropPortal(name: string): Promise<void> {
    const portal = this.portals.get(name);
    if (portal === undefined) return;
    this.portals.delete(name);
    await closePortal(portal);
  }

  async closeAllPortals(): Promise<void> {
    for (const name of [...this.portals.keys()]) {
      // COMMIT run through a portal ends the others, not itself.
      const portal = this.portals.get(name)!;
      if (portal.controller !== this.running) await this.dropPortal(name);
    }
  }

  // ---------------------------------------------------------------- cursors

  /** Portals and cursors share their names. */
  checkCursorName(name: string): void {
    if (this.portals.has(name) || this.cursors.has(name))
      throw new SqlError('42P03', `cursor "${name}" already exists`);
  }

  cursor(name: string): Cursor {
    const cursor = this.cursors.get(name);
    if (cursor === undefined) throw new SqlError('34000', `cursor "${name}" does not exist`);
    return cursor;
  }

  async closeCursors(which: (c: Cursor) => boolean): Promise<void> {
    for (const [name, c] of [...this.cursors]) {
      if (!which(c)) continue;
      this.cursors.delete(name);
      await c.close();
    }
  }

  /** A transaction ends: what it held WITH HOLD stays when it commits. */
  async endCursors(committed: boolean): Promise<void> {
    if (committed) for (const c of this.cursors.values()) if (c.options.hold) await c.persist();
    await this.closeCursors((c) => !c.outlives);
  }

  // ---------------------------------------------------------------- binding

  /** The statement bound against the catalog as it is now. */
  bind(prepared: Prepared, now: bigint): Binding {
    const { catalog } = this.services;
    const searchPath = this.settings.searchPath().join('\0');
    const known = prepared.binding;
    const role = this.identity.current;
    if (known !== undefined && known.searchPath === searchPath && known.role === role && this.holds(known))
      return known;
    const clock = { read: false };
    const statsVersions = new Map<number, number>();
    const statement = this.bindParsed(prepared, this.functionContext(now, clock), statsVersions);
    for (const n of statement.notices) this.output.notice(n);
    const binding: Binding = {
      statement,
      catalogVersion: catalog.version,
      searchPath,
      role,
      statsVersions,
      readsClock: clock.read,
    };
    prepared.binding = binding;
    return binding;
  }

  /** The same, checked: its role may do this now. */
  bindToRun(prepared: Prepared, now: bigint): Binding {
    const binding = this.bind(prepared, now);
    checkAccess(this, binding);
    return binding;
  }

  private holds({ catalogVersion, statsVersions }: Binding): boolean {
    const { catalog } = this.services;
    if (catalogVersion !== catalog.version) return false;
    for (const [oid, version] of statsVersions) if (catalog.statsVersion(oid) !== version) return false;
    return true;
  }

  private bindParsed(
    { parsed, declaredTypes, noParams }: Prepared,
    functions: FunctionContext,
    statsVersions: Map<number, number>,
  ): BoundStatement {
    const view = this.catalogView();
    const catalog: Catalog = {
      searchPath: view.searchPath,
      segmentCount: view.segmentCount,
      relation(schema, name) {
        const found = view.relation(schema, name);
        if (found?.kind === 'table') statsVersions.set(found.oid, found.stats.version);
        return found;
      },
      hasSchema: (name) => view.hasSchema(name),
      requireUsage: (name) => view.requireUsage(name),
    };
    return bindStatement(parsed!, catalog, {
      paramTypes: declaredTypes,
      noParams: noParams === true,
      functions,
    });
  }

  /** Every statement is bound and planned anew when it runs next. */
  forgetPlans(): void {
    this.recent.clear();
    for (const p of this.prepared.values()) p.binding = undefined;
  }

  catalogView(): CatalogView {
    const { catalog, dispatcher } = this.services;
    return new CatalogView(
      catalog,
      this.settings.searchPath(),
      dispatcher.segments().length,
      this.identity.current,
    );
  }

  /** Names are gathered only when a function asks for one: few statements do. */
  functionContext(now: bigint, clock = { read: false }): FunctionContext {
    let made: CatalogFunctions | undefined;
    const names = (): CatalogFunctions => {
      made ??= namedCatalog(this.catalogNames());
      return made;
    };
    let signed: CatalogFunctions | undefined;
    let access: AccessCatalog | undefined;
    return {
      ...this.settings.evalSettings(now),
      get nowMicros() {
        clock.read = true;
        return now;
      },
      // Schemas that do not exist are passed over, as in current_schemas().
      searchPath: this.catalogView().searchPath,
      catalog: {
        relationName: (oid) => names().relationName(oid),
        relationOid: (text) => names().relationOid(text),
        viewDefinition: (oid) => names().viewDefinition(oid),
        namespaceName: (oid) => names().namespaceName(oid),
        indexDefinition: (oid) => names().indexDefinition(oid),
        constraintDefinition: (oid) => names().constraintDefinition(oid),
        functionSignature: (oid) => {
          signed ??= namedCatalog(this.catalogNames({ ...NO_NAMES_ASKED, signatures: true }));
          return signed.functionSignature?.(oid);
        },
        reloadConfiguration: () => {
          if (!this.identity.superuser)
            throw new SqlError('42501', 'permission denied for function pg_reload_conf');
          return this.services.auth.reload();
        },
        resetStatements: () => {
          if (!this.identity.superuser)
            throw new SqlError('42501', 'permission denied for function pg_stat_statements_reset');
          this.services.statistics.reset();
        },
        signalBackend: (pid, how) => {
          const target = this.services.activity().find((x) => x.pid === pid);
          const denied = target && signalDenial(this.identity, target.role, how);
          if (denied !== undefined) throw new SqlError('42501', denied);
          return this.services.signalBackend(pid, how);
        },
        roleName: (oid) => this.identity.graph.role(oid)?.name,
        access: () => {
          access ??= new AccessCatalog(
            accessNames(this.services.catalog, this.identity, this.settings.database),
          );
          return access;
        },
        setSetting: (name, value, local) => this.setText(name, value, local),
        settings: (name) =>
          name === BACKEND_PID
            ? String(this.client.pid)
            : this.settings.has(name)
              ? this.settings.show(name)
              : undefined,
      },
    };
  }

  /** `more`: what only some statements need. */
  catalogNames(more: NamesAsked = NO_NAMES_ASKED): CatalogNames {
    const { catalog, activity, signalChannel } = this.services;
    const settings = [...this.settings.shown(), [BACKEND_PID, String(this.client.pid)] as const];
    const names = catalogNames(catalog, this.catalogView(), settings);
    return {
      ...names,
      ...(more.signatures ? { signatures: signatures() } : {}),
      ...(more.signals ? { signals: signalNames(this.identity, signalChannel, activity()) } : {}),
      ...(more.privileges ? { access: accessNames(catalog, this.identity, this.settings.database) } : {}),
    };
  }

  get processId(): number {
    return this.client.pid;
  }

  systemContext(): SystemContext {
    const { catalog, activity, dispatcher } = this.services;
    return {
      catalog,
      view: this.catalogView(),
      identity: this.identity,
      user: this.settings.user,
      database: this.settings.database,
      hbaRules: () => this.services.auth.rows(),
      settings: () => this.settings.rows(),
      sessions: activity,
      segments: () => dispatcher.segments(),
      statements: () => this.services.statistics.all(),
      preparedStatements: () => this.preparedRows(),
      cursors: () => [...this.cursors.values()].map((c) => c.options),
      progress: () => dispatcher.progress(),
    };
  }

  private preparedRows(): ReturnType<SystemContext['preparedStatements']> {
    return [...this.prepared.values()]
      .filter((p) => p.name !== '')
      .map((p) => ({
        name: p.name,
        statement: p.madeBy ?? p.parsed?.text ?? '',
        madeMicros: p.madeMicros ?? 0n,
        fromSql: p.fromSql === true,
        paramTypes: this.paramTypes(p),
      }));
  }

  setSetting(name: string, values: readonly string[] | undefined, local: boolean): void {
    this.checkIdentity(name, values?.join(', '));
    this.settings.set(name, values);
    this.identityChanged(name, local);
    if (local) this.settings.markLocal(name);
  }

  private checkIdentity(name: string, value: string | undefined): void {
    if (IDENTITY_SETTINGS.has(name.toLowerCase())) this.identity.check(name.toLowerCase(), value);
  }

  /** SET SESSION AUTHORIZATION ends SET ROLE. */
  private identityChanged(name: string, local: boolean): void {
    if (!IDENTITY_SETTINGS.has(name.toLowerCase())) return;
    if (name.toLowerCase() === 'session_authorization') {
      this.settings.setText('role', undefined);
      if (local) this.settings.markLocal('role');
    }
    this.followIdentity();
  }

  followIdentity(): void {
    this.settings.follow('is_superuser', this.identity.superuser ? 'on' : 'off');
  }

  /** set_config(): the value as it is shown then. Outside of a block a local value is gone with its statement. */
  private setText(name: string, value: string | undefined, local: boolean): string {
    const before = this.settings.has(name) ? this.settings.get(name) : undefined;
    this.checkIdentity(name, value);
    this.settings.setText(name, value);
    this.identityChanged(name, local);
    // A custom one has no default.
    const shown = this.settings.has(name) ? this.settings.show(name) : '';
    if (local && !this.transaction.open) {
      this.settings.setText(name, before);
      this.followIdentity();
    }
    if (local && this.transaction.open) this.settings.markLocal(name);
    return shown;
  }

  notice(n: NoticeFields): void {
    this.output.notice(n);
  }

  // ---------------------------------------------------------------- running

  runContext(signal: AbortSignal, params: readonly Value[]): RunContext {
    return { signal, params, functions: this.functionContext(this.queryStart ?? nowMicros()) };
  }

  private begin<T>(text: string, f: () => T): T {
    this.query = text;
    this.queryStart = nowMicros();
    this.stateChange = this.queryStart;
    return f();
  }

  /** Nothing that may look into the catalog is answered in a failed block. */
  refuseInFailedBlock(): void {
    if (this.transaction.failed) throw abortedBlock();
  }

  /** In a failed block only its end is accepted. */
  private checkBlock(parsed: ParsedStatement): void {
    if (!this.transaction.failed) return;
    const { node } = parsed;
    const kind = 'TransactionStmt' in node ? node.TransactionStmt.kind : undefined;
    if (kind === 'TRANS_STMT_COMMIT' || kind === 'TRANS_STMT_ROLLBACK' || kind === 'TRANS_STMT_ROLLBACK_TO')
      return;
    throw abortedBlock();
  }

  /** Runs `work` as the session's statement: cancel requests and the timeout abort `controller`. */
  async during(controller: AbortController, text: string, work: () => Promise<void>): Promise<void> {
    if (this.closed) throw new SqlError('57P01', 'terminating connection');
    this.query = text;
    this.queryStart = nowMicros();
    this.stateChange = this.queryStart;
    this.running = controller;
    this.writer.charset = this.output.charset;
    const timeoutMs = this.settings.number('statement_timeout');
    const timer =
      timeoutMs > 0
        ? setTimeout(
            () => controller.abort(new SqlError('57014', 'canceling statement due to statement timeout')),
            timeoutMs,
          )
        : undefined;
    try {
      await work();
    } catch (e) {
      throw controller.signal.aborted ? controller.signal.reason : e;
    } finally {
      clearTimeout(timer);
      this.running = undefined;
      this.writer.drop();
      this.stateChange = nowMicros();
    }
  }

  /** How long the session may wait for its client, and what ends it then. */
  idleLimit(): { readonly ms: number; readonly error: SqlError } | undefined {
    const inBlock = this.transaction.open;
    const ms = this.settings.number(inBlock ? 'idle_in_transaction_session_timeout' : 'idle_session_timeout');
    if (ms <= 0) return undefined;
    const error = inBlock
      ? new SqlError('25P03', 'terminating connection due to idle-in-transaction timeout')
      : new SqlError('57P05', 'terminating connection due to idle-session timeout');
    return { ms, error };
  }

  /** A cancel request: ends the statement that runs, if one does. */
  cancel(): void {
    this.running?.abort(new SqlError('57014', 'canceling statement due to user request'));
  }

  /** The last statement failed: a block becomes a failed one. */
  fail(): void {
    this.transaction.fail();
  }

  /** The client is gone or the server stops: ends what runs and frees everything. */
  async close(reason: SqlError): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    this.running?.abort(reason);
    await this.closeAllPortals();
    await this.closeCursors(() => true);
  }

  activity(): SessionActivity {
    const idle = this.transaction.failed
      ? 'idle in transaction (aborted)'
      : this.transaction.open
        ? 'idle in transaction'
        : 'idle';
    return {
      pid: this.client.pid,
      role: this.identity.session,
      user: this.identity.sessionUser,
      database: this.settings.database,
      applicationName: this.settings.get('application_name'),
      clientAddress: this.client.address,
      clientPort: this.client.port,
      tls: this.client.tls,
      connectedMicros: this.connected,
      queryStartMicros: this.queryStart,
      stateChangeMicros: this.stateChange,
      state: this.running === undefined ? idle : 'active',
      query: this.query,
    };
  }
}

function unnamed(parsed: ParsedStatement): Prepared {
  return { name: '', parsed, declaredTypes: [], noParams: true, binding: undefined };
}

async function releaseState(
  state: { block: { release(): void } | undefined },
  run: StatementRun,
): Promise<void> {
  state.block?.release();
  state.block = undefined;
  await run.stream?.close();
}

export function nowMicros(): bigint {
  return BigInt(Math.round((performance.timeOrigin + performance.now()) * 1000));
}

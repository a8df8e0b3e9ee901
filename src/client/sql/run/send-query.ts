/** Runs a statement and shows what comes of it.
 *
 *  Owns: the order of psql's steps around a query (echo, BEGIN, savepoint, timing, result variables) and where each result
 *  goes. Must not know: how text became a statement. Returns whether all went well. */
import { openSink, type Sink, stderr, stdout, systemError } from '../output.js';
import type { QueryTarget, Session } from '../session.js';
import type { ResultSet, ServerMessage } from '../wire/messages.js';
import { ConnectionLost } from '../wire/server-connection.js';
import { Collector, type Finished } from './collector.js';
import { type CopyInput, copyFromSource } from './copy.js';
import { showCrosstab } from './crosstab.js';
import { explainColors } from './explain-colors.js';
import { watchProgress } from './progress.js';
import { resultTable, showTable } from './show.js';
import { isSelect, needsNoBegin } from './sql-words.js';
import { timingText } from './timing.js';

/** What \copy puts in the place of a script and the screen. */
export type CopyEnds = {
  readonly input?: CopyInput;
  readonly output?: Sink;
  /** Takes what the server says at the end, to be shown when the data's own end is done. */
  readonly onTag?: (tag: string) => void;
};

const SAVEPOINT = 'pg_psql_temporary_savepoint';

export async function sendQuery(
  session: Session,
  query: string,
  target: QueryTarget = {},
  copy: CopyEnds = {},
): Promise<boolean> {
  const { settings } = session;
  const { connection } = session;
  if (connection === undefined) {
    session.error('You are currently not connected to a database.');
    return false;
  }
  if (settings.singleStep && !(await confirmStep(session, query))) return false;
  if (settings.echo === 'queries') {
    stdout.write(`${query}\n`);
    stdout.flush();
  }
  session.log?.write(`********* QUERY **********\n${query}\n**************************\n\n`);
  if (copy.input === undefined && copy.output === undefined) session.lastQuery = query;
  session.interrupted = false;
  try {
    const began = await beginWhenNeeded(session, query);
    if (!began) return false;
    const savepoint =
      connection.transactionStatus === 'T' &&
      (settings.onErrorRollback === 'on' ||
        (settings.onErrorRollback === 'interactive' && session.interactive));
    if (savepoint && !(await quietly(session, `SAVEPOINT ${SAVEPOINT}`))) return false;
    const start = performance.now();
    const run = new QueryRun(session, query, target, copy);
    const ok = await run.run();
    if (savepoint) await settleSavepoint(session, run.endedTransaction);
    // Until the server's last word: how long somebody looks at a pager is no part of it.
    if (session.timing) stdout.write(timingText(run.answeredAt - start));
    stdout.flush();
    return ok;
  } catch (e) {
    if (!(e instanceof ConnectionLost)) throw e;
    await handleLoss(session, e);
    return false;
  }
}

async function confirmStep(session: Session, query: string): Promise<boolean> {
  stdout.write(
    `***(Single step mode: verify command)*******************************************\n${query}\n***(press return to proceed or enter x and return to cancel)********************\n`,
  );
  stdout.flush();
  const answer = (await session.source?.line('')) ?? '';
  return !answer.startsWith('x') && !session.interrupted;
}

async function beginWhenNeeded(session: Session, query: string): Promise<boolean> {
  const { connection, settings } = session;
  if (settings.autocommit || connection!.transactionStatus !== 'I' || needsNoBegin(query)) return true;
  return quietly(session, 'BEGIN');
}

/** A statement of our own, silent unless it fails. */
async function quietly(session: Session, text: string): Promise<boolean> {
  let failure: ServerMessage | undefined;
  await session.connection!.execute(text, {
    error: (e) => {
      failure ??= e;
    },
  });
  if (failure !== undefined) session.serverError(failure, text);
  return failure === undefined;
}

async function settleSavepoint(session: Session, endedTransaction: boolean): Promise<void> {
  const status = session.connection!.transactionStatus;
  if (status === 'E') await quietly(session, `ROLLBACK TO ${SAVEPOINT}`);
  else if (status === 'T' && !endedTransaction) await quietly(session, `RELEASE ${SAVEPOINT}`);
}

/** As psql: says so, tries once to connect anew in an interactive session, else stays without. */
export async function handleLoss(session: Session, e: Error): Promise<void> {
  session.info(`${e.message === '' ? 'the connection was lost' : serverClosed(e)}`);
  const { connectionSettings } = session;
  session.connection = undefined;
  if (!session.interactive || session.reconnect === undefined) {
    if (!session.interactive) session.error('connection to server was lost');
    return;
  }
  stderr('The connection to the server was lost. Attempting reset: ');
  const again = connectionSettings === undefined ? undefined : await session.reconnect();
  stderr(again === undefined ? 'Failed.\n' : 'Succeeded.\n');
}

function serverClosed(e: Error): string {
  return /terminated unexpectedly|closed|ECONNRESET|EPIPE/.test(e.message)
    ? 'server closed the connection unexpectedly\n\tThis probably means the server terminated abnormally\n\tbefore or while processing the request.'
    : e.message;
}

class QueryRun {
  endedTransaction = false;
  /** When the last result was there. */
  answeredAt = performance.now();
  private readonly session: Session;
  private readonly query: string;
  private readonly target: QueryTarget;
  private readonly copy: CopyEnds;
  private sink: Sink | undefined;
  private ok = true;
  private toExecute: ResultSet | undefined;
  private partsShown = 0;
  private rowsShown = 0;

  constructor(session: Session, query: string, target: QueryTarget, copy: CopyEnds) {
    this.session = session;
    this.query = query;
    this.target = target;
    this.copy = copy;
  }

  async run(): Promise<boolean> {
    const { session, target } = this;
    if (target.describe === true) return this.describe();
    if (target.file !== undefined && !this.openTarget(target.file)) return false;
    const progress = watchProgress(session);
    try {
      const { fetchCount } = session.settings;
      const parts =
        fetchCount > 0 &&
        target.execute !== true &&
        target.crosstab === undefined &&
        target.setPrefix === undefined;
      if (parts && isSelect(this.query)) await this.runInParts(fetchCount, progress);
      else await this.runWhole(progress);
    } finally {
      progress.stop();
      if (this.sink !== undefined) {
        const status = await this.sink.close();
        if (status !== 0 && target.file?.startsWith('|') === true && status === 127) this.ok = false;
      }
    }
    if (this.toExecute !== undefined) await this.executeCells(this.toExecute);
    return this.ok;
  }

  private openTarget(file: string): boolean {
    try {
      this.sink = openSink(file);
      return true;
    } catch (e) {
      this.session.error(`${file}: ${systemError(e)}`);
      return false;
    }
  }

  private get out(): Sink {
    return this.sink ?? this.session.output;
  }

  private async runWhole(progress: { stop(): void }): Promise<void> {
    const { session } = this;
    let copying: Promise<void> | undefined;
    let copiedToOutput = false;
    const collector = new Collector((result, last) => {
      progress.stop();
      this.show(result, last);
    });
    await session.connection!.execute(this.query, {
      fields: (f) => collector.onFields(f),
      row: (r) => collector.onRow(r),
      complete: (tag) => {
        this.answeredAt = performance.now();
        collector.onComplete(tag, copiedToOutput);
        copiedToOutput = false;
      },
      empty: () => {
        this.answeredAt = performance.now();
        collector.onEmpty();
      },
      error: (e) => {
        this.answeredAt = performance.now();
        collector.onError(e);
        progress.stop();
        this.fail(e);
      },
      copyIn: (copy) => {
        progress.stop();
        const input =
          this.copy.input ??
          (session.source === undefined ? undefined : copyFromSource(session, session.source));
        if (input === undefined) return copy.fail('no data is there for this COPY');
        copying = input.send(copy);
      },
      copyOut: () => progress.stop(),
      copyData: (chunk) => {
        const sink = this.copy.output ?? this.out;
        if (this.copy.output === undefined) copiedToOutput = true;
        sink.write(chunk);
      },
      copyDone: () => {
        if (this.copy.output === undefined) copiedToOutput = true;
      },
    });
    await copying;
    collector.end();
  }

  private async runInParts(count: number, progress: { stop(): void }): Promise<void> {
    const { session } = this;
    let fields: ResultSet['fields'] = [];
    let rows: (string | null)[][] = [];
    const flush = (last: boolean): void => {
      progress.stop();
      if (last && this.partsShown > 0 && rows.length === 0 && this.failed) return;
      const options = this.target.print ?? session.print;
      showTable(
        session,
        resultTable({ fields, rows }, options, {
          first: this.partsShown === 0,
          last,
          rowsBefore: this.rowsShown,
        }),
        options,
        this.out,
      );
      this.partsShown++;
      this.rowsShown += rows.length;
      rows = [];
    };
    await session.connection!.executeInParts(this.query, count, {
      fields: (f) => {
        fields = f;
      },
      row: (r) => {
        rows.push(r);
      },
      suspended: () => {
        flush(false);
        return !session.interrupted;
      },
      complete: () => {
        this.answeredAt = performance.now();
        flush(true);
        this.setResultVariables(undefined, String(this.rowsShown));
      },
      error: (e) => this.fail(e),
    });
  }

  private failed = false;

  private fail(e: ServerMessage): void {
    const { session, query } = this;
    this.ok = false;
    this.failed = true;
    session.lastError = { error: e, query };
    session.serverError(e, query);
    if (session.settings.echo === 'errors') session.info(`STATEMENT:  ${query}`);
    this.setResultVariables(e, '0');
  }

  private setResultVariables(e: ServerMessage | undefined, rows: string): void {
    const { variables } = this.session;
    variables.set('ERROR', e === undefined ? 'false' : 'true');
    variables.set('SQLSTATE', e === undefined ? '00000' : (e.code ?? ''));
    variables.set('ROW_COUNT', rows);
    if (e === undefined) return;
    variables.set('LAST_ERROR_SQLSTATE', e.code ?? '');
    variables.set('LAST_ERROR_MESSAGE', e.message);
  }

  private show(finished: Finished, last: boolean): void {
    const { session } = this;
    const tag = finished.kind === 'empty' ? '' : finished.tag;
    if (/^(COMMIT|ROLLBACK|SAVEPOINT|RELEASE)\b/.test(tag)) this.endedTransaction = true;
    if (!last && !session.settings.showAllResults) return;
    this.setResultVariables(undefined, / (\d+)$/.exec(tag)?.[1] ?? '0');
    if (finished.kind === 'empty') return;
    if (finished.kind === 'rows') {
      this.showRows(finished.result, last);
      // INSERT ... RETURNING and its kin say their count as well.
      if (/^(INSERT|UPDATE|DELETE|MERGE)\b/.test(tag)) this.showTag(tag);
    } else if (finished.copiedToOutput !== true) this.showTag(tag);
  }

  private showTag(tag: string): void {
    const { session } = this;
    if (this.copy.onTag !== undefined) {
      this.copy.onTag(tag);
      return;
    }
    if (!session.settings.quiet) {
      this.out.write(`${tag}\n`);
      session.log?.write(`${tag}\n`);
    }
    const lastOid = /^INSERT (\d+) /.exec(tag)?.[1];
    session.variables.set('LASTOID', lastOid ?? '0');
  }

  private showRows(result: ResultSet, last: boolean): void {
    const { session, target } = this;
    if (last && target.setPrefix !== undefined) {
      this.store(result, target.setPrefix);
      return;
    }
    if (last && target.execute === true) {
      this.toExecute = result;
      return;
    }
    const asked = target.print ?? session.print;
    // A plan in records cannot be read, and they are no narrower.
    const plan = this.out.isStdout && !session.notTerminal && result.fields[0]?.name === 'QUERY PLAN';
    const options = plan && asked.expanded === 'auto' ? { ...asked, expanded: false } : asked;
    if (last && target.crosstab !== undefined) {
      const wrong = showCrosstab(session, result, target.crosstab, options, this.out);
      if (wrong !== undefined) {
        session.error(wrong);
        this.ok = false;
      }
      return;
    }
    const table = resultTable(result, options);
    const colors = this.out.isStdout && session.colors ? explainColors(table, options) : undefined;
    showTable(session, table, options, this.out, colors);
    if (this.out.isStdout) stdout.flush();
  }

  /** \gset: the one row's columns become variables. */
  private store(result: ResultSet, prefix: string): void {
    const { session } = this;
    const [row] = result.rows;
    if (row === undefined || result.rows.length > 1) {
      session.error(
        row === undefined ? 'no rows returned for \\gset' : 'more than one row returned for \\gset',
      );
      this.ok = false;
      return;
    }
    for (const [i, field] of result.fields.entries()) {
      const name = prefix + field.name;
      if (session.variables.hooked(name)) {
        session.warning(`attempt to \\gset into specially treated variable "${name}" ignored`);
        continue;
      }
      if (!session.setVariable(name, row[i] ?? undefined)) {
        this.ok = false;
        return;
      }
    }
  }

  /** \gexec: every cell is a statement. */
  private async executeCells(result: ResultSet): Promise<void> {
    const { session } = this;
    for (const row of result.rows)
      for (const cell of row) {
        if (cell === null) continue;
        if (session.interrupted) {
          this.ok = false;
          return;
        }
        if (session.settings.echo === 'all') stdout.write(`${cell}\n`);
        const print = this.target.print === undefined ? {} : { print: this.target.print };
        if (!(await sendQuery(session, cell, print)) && session.settings.onErrorStop) {
          this.ok = false;
          return;
        }
      }
  }

  /** \gdesc: names and types of the result, without running the statement. */
  private async describe(): Promise<boolean> {
    const { session } = this;
    const described = await session.connection!.describe(this.query);
    if ('error' in described) {
      this.fail(described.error);
      return false;
    }
    if (described.fields.length === 0) {
      this.out.write('The command has no result, or the result has no columns.\n');
      return true;
    }
    const values = described.fields
      .map(
        (f) => `('${f.name.replaceAll("'", "''")}','${f.dataTypeID}'::pg_catalog.oid,${f.dataTypeModifier})`,
      )
      .join(', ');
    const options = this.target.print ?? session.print;
    const result = await session.connection!.rows(
      `SELECT name AS "Column", pg_catalog.format_type(tp, tpm) AS "Type"\nFROM (VALUES ${values}) s(name, tp, tpm)`,
    );
    showTable(session, resultTable(result, options), options, this.out);
    return true;
  }
}

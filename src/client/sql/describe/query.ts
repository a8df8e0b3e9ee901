/** Queries of our own, on the catalog: run, echoed where asked, failed politely. */
import { stdout } from '../output.js';
import type { PrintOptions } from '../print/options.js';
import { alignOf, type Table } from '../print/table.js';
import { showTable } from '../run/show.js';
import type { Session } from '../session.js';
import type { ResultSet } from '../wire/messages.js';
import { QueryFailed } from '../wire/server-connection.js';

/** Rows; undefined when the server refused, and has been heard, or when nothing is to be run. */
export async function catalogRows(session: Session, sql: string): Promise<ResultSet | undefined> {
  const { connection, settings } = session;
  if (connection === undefined) {
    session.error('You are currently not connected to a database.');
    return undefined;
  }
  if (settings.echoHidden !== 'off') {
    const text = `********* QUERY **********\n${sql}\n**************************\n\n`;
    stdout.write(text);
    session.log?.write(text);
    stdout.flush();
    if (settings.echoHidden === 'noexec') return undefined;
  }
  try {
    return await connection.rows(sql);
  } catch (e) {
    if (!(e instanceof QueryFailed)) throw e;
    session.serverError(e.error, sql);
    return undefined;
  }
}

/** How lists are shown: as results are, but with NULL as nothing. */
export function listOptions(session: Session, title: string | undefined): PrintOptions {
  return { ...session.print, nullText: '', title };
}

export function showList(
  session: Session,
  result: ResultSet,
  title: string,
  footers?: readonly string[],
): void {
  const options = listOptions(session, title);
  const table: Table = {
    title,
    columns: result.fields.map((f) => ({
      name: f.name,
      align: alignOf(f.dataTypeID),
      typeOid: f.dataTypeID,
    })),
    rows: result.rows,
    ...(footers === undefined || footers.length === 0 ? {} : { footers }),
  };
  showTable(session, table, options, session.output);
  if (session.output.isStdout) stdout.flush();
}

/** Rows alone. */
export async function rows(
  asked: { readonly session: Session },
  sql: string,
): Promise<readonly (string | null)[][] | undefined> {
  return (await catalogRows(asked.session, sql))?.rows;
}

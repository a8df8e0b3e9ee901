/** Shows a table where output goes: the screen, a pager, a file, a command. */
import { type Sink, stdout } from '../output.js';
import type { PrintOptions } from '../print/options.js';
import { printTable } from '../print/print-table.js';
import { alignOf, type Table } from '../print/table.js';
import type { Session } from '../session.js';
import type { ResultSet } from '../wire/messages.js';
import { page, screenColumns } from './pager.js';

/** `decorate`: colours for a line that is laid out already. */
export function showTable(
  session: Session,
  table: Table,
  options: PrintOptions,
  sink: Sink,
  decorate?: (line: string) => string,
): void {
  const chunks: string[] = [];
  let lines = 0;
  const out = (text: string): void => {
    chunks.push(decorate === undefined ? text : decorate(text));
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) lines++;
  };
  const wide = printTable(table, options, sink.isStdout ? screenColumns() : 0, out);
  if (sink.isStdout) page(chunks, lines, wide, options);
  else for (const chunk of chunks) sink.write(chunk);
  // The log gets what a screen of its own would show.
  if (session.log !== undefined) for (const chunk of chunks) session.log.write(chunk);
}

export function resultTable(result: ResultSet, options: PrintOptions, part?: Table['part']): Table {
  return {
    title: options.title,
    columns: result.fields.map((f) => ({
      name: f.name,
      align: alignOf(f.dataTypeID),
      typeOid: f.dataTypeID,
    })),
    rows: result.rows,
    ...(part === undefined ? {} : { part }),
  };
}

/** Text that is no table, such as a help page. */
export function showText(session: Session, text: string): void {
  if (!session.output.isStdout) {
    session.output.write(text);
    return;
  }
  stdout.flush();
  page([text], text.split('\n').length, false, session.print);
}

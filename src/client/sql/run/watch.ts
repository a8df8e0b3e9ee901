/** \watch: runs a statement again and again, until Ctrl-C or an error. */
import { stdout } from '../output.js';
import type { Session } from '../session.js';
import type { ResultSet, ServerMessage } from '../wire/messages.js';
import { ConnectionLost } from '../wire/server-connection.js';
import { Collector, type Finished } from './collector.js';
import { handleLoss } from './send-query.js';
import { resultTable, showTable } from './show.js';
import { timingText } from './timing.js';

const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** As C's "%c" in the C locale. */
function clock(now: Date): string {
  const two = (n: number): string => String(n).padStart(2, '0');
  const time = `${two(now.getHours())}:${two(now.getMinutes())}:${two(now.getSeconds())}`;
  return `${DAYS[now.getDay()]} ${MONTHS[now.getMonth()]} ${String(now.getDate()).padStart(2)} ${time} ${now.getFullYear()}`;
}

export async function watch(session: Session, query: string, seconds: number): Promise<boolean> {
  if (query.trim() === '') {
    session.error('\\watch cannot be used with an empty query');
    return false;
  }
  const { connection } = session;
  if (connection === undefined) {
    session.error('You are currently not connected to a database.');
    return false;
  }
  session.interrupted = false;
  while (!session.interrupted) {
    const began = performance.now();
    let failure: ServerMessage | undefined;
    const finished: Finished[] = [];
    const collector = new Collector((f) => finished.push(f));
    try {
      await connection.execute(query, {
        fields: (f) => collector.onFields(f),
        row: (r) => collector.onRow(r),
        complete: (tag) => collector.onComplete(tag),
        empty: () => collector.onEmpty(),
        error: (e) => {
          failure ??= e;
        },
        copyIn: (copy) => copy.fail('\\watch cannot be used with COPY'),
      });
    } catch (e) {
      if (!(e instanceof ConnectionLost)) throw e;
      await handleLoss(session, e);
      return false;
    }
    collector.end();
    const ms = performance.now() - began;
    if (failure !== undefined) {
      session.lastError = { error: failure, query };
      session.serverError(failure, query);
      return false;
    }
    const every = `${clock(new Date())} (every ${seconds}s)\n`;
    const title = session.print.title === undefined ? every : `${session.print.title}\t${every}`;
    for (const f of finished) show(session, f, title);
    if (session.timing) stdout.write(timingText(ms));
    stdout.flush();
    await pause(session, seconds * 1000 - ms);
  }
  session.interrupted = false;
  return true;
}

function show(session: Session, finished: Finished, title: string): void {
  if (finished.kind === 'rows') {
    const options = { ...session.print, title, pager: 0 as const };
    const result: ResultSet = finished.result;
    showTable(session, resultTable(result, options), options, session.output);
  } else if (finished.kind === 'command') session.output.write(`${title}\n${finished.tag}\n\n`);
}

function pause(session: Session, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      session.onInterrupt = undefined;
      resolve();
    };
    const timer = setTimeout(end, Math.max(0, ms));
    session.onInterrupt = end;
  });
}

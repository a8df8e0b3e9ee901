/** \plan: the last statement's plan as a web page. */
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expandTilde, stdout, systemError } from '../output.js';
import { parsePlan } from '../plan/plan-model.js';
import { planPage } from '../plan/plan-page.js';
import { watchProgress } from '../run/progress.js';
import { handleLoss } from '../run/send-query.js';
import { firstWords } from '../run/sql-words.js';
import type { Session } from '../session.js';
import { ConnectionLost, QueryFailed } from '../wire/server-connection.js';
import type { CommandContext, CommandStatus, CommandTable } from './command.js';

/** What EXPLAIN explained; the statement itself when it is none. */
export function explained(query: string): string {
  return query.replace(/^\s*explain\s+(?:\((?:[^()']|'[^']*')*\)\s*|(?:(?:analyze|verbose)\s+)*)/i, '');
}

/** Statements that can be run once more without harm are; of others there is the plan only. */
function explainSql(statement: string): string {
  const words = firstWords(statement, 1);
  const reads =
    /^(select|values|table)$/.test(words[0] ?? '') ||
    (words[0] === 'with' && !/\b(insert|update|delete|merge)\b/i.test(statement));
  return `EXPLAIN (${reads ? 'ANALYZE, ' : ''}FORMAT JSON) ${statement}`;
}

function fileName(now: Date): string {
  return `mpp-plan-${now.toISOString().replace(/[-:]/g, '').replace('T', '-').slice(0, 15)}.html`;
}

async function planText(session: Session, statement: string): Promise<string | undefined> {
  const sql = explainSql(statement);
  const progress = watchProgress(session);
  try {
    const { rows } = await session.connection!.rows(sql);
    return rows.map((r) => r[0] ?? '').join('\n');
  } catch (e) {
    if (e instanceof ConnectionLost) {
      await handleLoss(session, e);
      return undefined;
    }
    if (!(e instanceof QueryFailed)) throw e;
    session.serverError(e.error, sql);
    return undefined;
  } finally {
    progress.stop();
  }
}

async function plan(context: CommandContext): Promise<CommandStatus> {
  const { session, args, query } = context;
  const file = args.argument('normal');
  if (session.connection === undefined) {
    session.error('You are currently not connected to a database.');
    return 'error';
  }
  const typed = query.buffer.trim();
  const statement = explained(typed === '' ? (session.lastQuery ?? '') : typed)
    .trim()
    .replace(/;\s*$/, '');
  if (statement === '') {
    session.error('\\plan: there is no statement yet');
    return 'error';
  }
  const text = await planText(session, statement);
  if (text === undefined) return 'error';
  const now = new Date();
  const path = resolve(file === undefined ? join(tmpdir(), fileName(now)) : expandTilde(file));
  try {
    const server = session.connection.parameters.get('server_version') ?? '';
    writeFileSync(path, planPage(parsePlan(text), statement, `server ${server}`, now));
  } catch (e) {
    session.error(`${path}: ${systemError(e)}`);
    return 'error';
  }
  if (typed !== '') {
    query.buffer = '';
    query.reset();
  }
  stdout.write(`The plan is in ${path}\n`);
  stdout.flush();
  return 'done';
}

export const PLAN_COMMANDS: CommandTable = { plan };

/** The text that would create a function or a view. */
import { quoteLiteral } from '../quote.js';
import type { Session } from '../session.js';
import { QueryFailed } from '../wire/server-connection.js';
import { catalogRows } from './query.js';

export async function definitionOf(
  session: Session,
  kind: 'function' | 'view',
  name: string,
): Promise<string | undefined> {
  return kind === 'function' ? functionText(session, name) : viewText(session, name);
}

/** A name that is not there is the person's mistake, not the query's: told without the query. */
async function oidOf(session: Session, name: string, type: string): Promise<string | undefined> {
  const { connection } = session;
  if (connection === undefined) {
    session.error('You are currently not connected to a database.');
    return undefined;
  }
  try {
    const found = await connection.rows(
      `SELECT ${quoteLiteral(name).trimStart()}::pg_catalog.${type}::pg_catalog.oid`,
    );
    return found.rows[0]?.[0] ?? undefined;
  } catch (e) {
    if (!(e instanceof QueryFailed)) throw e;
    session.error(`${e.error.severity ?? 'ERROR'}:  ${e.error.message}`);
    return undefined;
  }
}

async function functionText(session: Session, name: string): Promise<string | undefined> {
  const type = name.includes('(') ? 'regprocedure' : 'regproc';
  const oid = await oidOf(session, name, type);
  if (oid === undefined) return undefined;
  const result = await catalogRows(session, `SELECT pg_catalog.pg_get_functiondef(${oid})`);
  const text = result?.rows[0]?.[0];
  if (text === undefined || text === null) return undefined;
  return text.endsWith('\n') ? text : `${text}\n`;
}

async function viewText(session: Session, name: string): Promise<string | undefined> {
  const oid = await oidOf(session, name, 'regclass');
  if (oid === undefined) return undefined;
  const result = await catalogRows(
    session,
    `SELECT nspname, relname, relkind, pg_catalog.pg_get_viewdef(c.oid, true), pg_catalog.array_remove(pg_catalog.array_remove(c.reloptions,'check_option=local'),'check_option=cascaded') AS reloptions, CASE WHEN 'check_option=local' = ANY (c.reloptions) THEN 'LOCAL'::text WHEN 'check_option=cascaded' = ANY (c.reloptions) THEN 'CASCADED'::text ELSE NULL END AS checkoption
FROM pg_catalog.pg_class c
LEFT JOIN pg_catalog.pg_namespace n ON c.relnamespace = n.oid
WHERE c.oid = ${oid}`,
  );
  const row = result?.rows[0];
  if (row === undefined) return undefined;
  const [schema, relation, relkind, definition, options, check] = row;
  if (relkind !== 'v') {
    session.error(`"${schema}.${relation}" is not a view`);
    return undefined;
  }
  const plain = (text: string): string =>
    /^[a-z_][a-z0-9_$]*$/.test(text) ? text : `"${text.replaceAll('"', '""')}"`;
  let text = `CREATE OR REPLACE VIEW ${plain(schema!)}.${plain(relation!)}`;
  if (options !== null && options !== undefined && options !== '{}')
    text += `\n WITH (${options.slice(1, -1).replaceAll(',', ', ')})`;
  text += ` AS\n${definition}`;
  if (text.endsWith(';')) text = text.slice(0, -1);
  if (check !== null && check !== undefined) text += `\n WITH ${check} CHECK OPTION`;
  return `${text}\n`;
}

/** The server that every client here is tried on: a cluster of one segment with the same few tables.
 *
 *  `MPP_TEST_CLIENTS_PORT` names a server that is there instead, a PostgreSQL 15 with user and database `mpp` say: what
 *  these tests expect is what PostgreSQL answers. */
import { spawnSync } from 'node:child_process';
import pg from 'pg';
import { openTestDatabase } from '../support/test-database.js';

export const HOST = '127.0.0.1';
export const USER = 'mpp';
export const DATABASE = 'mpp';

/** One column of each type, and what hangs on tables: keys, a default, an index, comments, a view. */
const TABLES = [
  `create table kinds (
    id integer primary key, flag boolean, small smallint, big bigint, exact numeric(12,3), single real, wide double precision,
    word text not null default 'none', label varchar(40), code char(5), day date, clock time, moment timestamp(3), instant timestamptz,
    span interval)`,
  `insert into kinds values
    (1, true, -7, 9007199254740993, 1234.500, 0.5, 1e100, 'naïve ☃', 'it''s', 'ab', '2024-02-29', '13:14:15.5',
     '2024-02-29 13:14:15.123', '2024-02-29 13:14:15.123456+00', '1 year 2 mons 3 days 04:05:06.7'),
    (2, null, null, null, null, null, null, '', null, null, null, null, null, null, null)`,
  'create table parts (kind integer references kinds (id), line smallint, note text, primary key (kind, line))',
  "insert into parts values (1, 1, 'first'), (1, 2, 'second'), (2, 1, null)",
  'create view notes as select k.word, p.note from kinds k join parts p on p.kind = k.id',
];

export type ClientDatabase = {
  readonly port: number;
  readonly url: string;
  /** From a connection of its own. */
  query(sql: string): Promise<Record<string, unknown>[]>;
  close(): Promise<void>;
};

export async function openClientDatabase(): Promise<ClientDatabase> {
  const given = process.env.MPP_TEST_CLIENTS_PORT;
  const started = given === undefined ? await openTestDatabase({ segments: 1 }) : undefined;
  const port = started?.port ?? Number(given);
  const client = new pg.Client({ host: HOST, port, user: USER, database: DATABASE });
  await client.connect();
  if (started === undefined) await client.query('drop schema public cascade; create schema public');
  for (const sql of TABLES) await client.query(sql);
  return {
    port,
    url: `postgres://${USER}@${HOST}:${port}/${DATABASE}`,
    query: async (sql) => (await client.query(sql)).rows,
    async close() {
      await client.end();
      await started?.close();
    },
  };
}

/** What a program prints, standard error after it; fails with all of it unless the program ends well. */
export function output(program: string, args: readonly string[], input = '', environment = {}): string {
  const done = spawnSync(program, args, {
    encoding: 'utf8',
    input,
    env: { ...process.env, PGHOST: HOST, PGUSER: USER, PGDATABASE: DATABASE, PGTZ: 'UTC', ...environment },
    maxBuffer: 1 << 28,
    timeout: 50_000,
  });
  if (done.error !== undefined) throw done.error;
  if (done.status !== 0)
    throw new Error(`${program} ended with ${done.status}: ${done.stdout}${done.stderr}`);
  return done.stdout + done.stderr;
}

/** Whether a program is installed and runs with these arguments. */
export function installed(program: string, ...args: string[]): boolean {
  return spawnSync(program, args).status === 0;
}

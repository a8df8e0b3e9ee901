/** PostgreSQL as an oracle: evaluates many expressions in one go, errors included.
 *
 *  PGlite by default; a real server when MPP_TEST_POSTGRES holds its URL. */
import { PGlite } from '@electric-sql/pglite';
import pg from 'pg';

/** The text of the value, 'NULL', or `SQLSTATE message`. */
export type Oracle = {
  evaluate(expressions: readonly string[]): Promise<string[]>;
  setTimeZone(name: string): Promise<void>;
  close(): Promise<void>;
};

/** Evaluates one expression and turns an error into its text. */
const TRY = `create or replace function pg_temp.try(q text) returns text language plpgsql as $f$
  declare r text;
  begin
    execute 'select (' || q || ')::text' into r;
    return coalesce(r, 'NULL');
  exception when others then
    return sqlstate || ' ' || sqlerrm;
  end $f$`;

const BATCH = `select pg_temp.try(q) as r from unnest($1::text[]) with ordinality as t(q, n) order by n`;

/** mpp's defaults. */
const SETTINGS = `set timezone to 'UTC'; set datestyle to 'ISO, MDY'`;

export async function openOracle(): Promise<Oracle> {
  const url = process.env.MPP_TEST_POSTGRES;
  if (url !== undefined) {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    await client.query(SETTINGS);
    await client.query(TRY);
    return {
      evaluate: async (expressions) => {
        const result = await client.query<{ r: string }>(BATCH, [expressions]);
        return result.rows.map((row) => row.r);
      },
      setTimeZone: async (name) => {
        await client.query(`set timezone to '${name}'`);
      },
      close: () => client.end(),
    };
  }
  const db = await PGlite.create();
  await db.exec(SETTINGS);
  await db.exec(TRY);
  return {
    evaluate: async (expressions) => {
      const result = await db.query<{ r: string }>(BATCH, [[...expressions]]);
      return result.rows.map((row) => row.r);
    },
    setTimeZone: async (name) => {
      await db.exec(`set timezone to '${name}'`);
    },
    close: () => db.close(),
  };
}

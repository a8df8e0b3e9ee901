/** PostgreSQL itself, embedded, as the oracle of results. */
import { PGlite } from '@electric-sql/pglite';
import { type SltDatabase, withoutDistribution } from './slt.js';

export type Oracle = SltDatabase & {
  copy(table: string, tbl: Uint8Array): Promise<void>;
  close(): Promise<void>;
};

export async function openPostgres(): Promise<Oracle> {
  const db = await PGlite.create();
  await db.exec("SET timezone = 'UTC'; SET lc_collate = 'C'").catch(() => db.exec("SET timezone = 'UTC'"));
  const text: Record<number, (v: string) => string> = {};
  for (let oid = 1; oid < 5000; oid++) text[oid] = (v) => v;
  return {
    query: async (sql) => {
      const r = await db.query(withoutDistribution(sql), [], { rowMode: 'array', parsers: text });
      return r.rows as (string | null)[][];
    },
    copy: async (table, tbl) => {
      await db.query(`COPY ${table} FROM '/dev/blob' WITH (DELIMITER '|')`, [], {
        blob: new Blob([Buffer.from(tbl)]),
      });
    },
    close: () => db.close(),
  };
}

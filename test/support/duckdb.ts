/** DuckDB, embedded, as a second oracle: it also answers what PostgreSQL refuses (full joins on any condition). */
import { DuckDBInstance } from '@duckdb/node-api';
import { withoutDistribution } from './slt.js';

export type DuckDb = {
  query(sql: string): Promise<readonly (readonly unknown[])[]>;
  close(): Promise<void>;
};

export async function openDuckDb(): Promise<DuckDb> {
  const instance = await DuckDBInstance.create(':memory:', {
    threads: '1',
    default_null_order: 'nulls_last_on_asc_first_on_desc',
  });
  const db = await instance.connect();
  return {
    query: async (sql) => (await db.runAndReadAll(withoutDistribution(sql))).getRowsJson(),
    close: async () => {
      db.closeSync();
      instance.closeSync();
    },
  };
}

/** A row in a form in which the two engines agree: numbers to ten digits (DuckDB averages in doubles), booleans as t/f. */
export function comparable(row: readonly unknown[]): string {
  return row
    .map((v) => {
      if (v === null) return 'NULL';
      if (typeof v === 'boolean') return v ? 't' : 'f';
      const text = String(v);
      return text !== '' && /^-?\d*\.?\d+(e[-+]?\d+)?$/i.test(text)
        ? String(Number(Number(text).toPrecision(10)))
        : text;
    })
    .join('|');
}

/** The engines a benchmark runs side by side, behind one interface. */
import { type DuckDBConnection, DuckDBInstance, type DuckDBPreparedStatement } from '@duckdb/node-api';
import pg from 'pg';
import { tableChunks } from '../tpch/generate.js';
import { TPCH_TABLES } from '../tpch/scale.js';
import { createTable } from '../tpch/schema.js';

export type Peer = {
  readonly name: string;
  readonly version: string;
  /** Runs the query and fetches all rows; returns their number. */
  run(sql: string): Promise<number>;
  close(): Promise<void>;
};

/** TPC-H's tables, in the database of the connection. */
export async function loadDuckDb(db: DuckDBConnection, tblDir: string): Promise<void> {
  for (const t of TPCH_TABLES) {
    await db.run(createTable(t, { distribution: 'none', primaryKeys: false }));
    const columns = (await db.runAndReadAll(`DESCRIBE ${t}`))
      .getRows()
      .map((r) => `'${String(r[0])}': '${String(r[1])}'`);
    await db.run(
      `INSERT INTO ${t} SELECT * FROM read_csv('${tblDir}/${t}.tbl', delim = '|', header = false, quote = '', escape = '', columns = {${columns.join(', ')}})`,
    );
  }
  await db.run('ANALYZE');
}

export async function openDuckDb(threads: number, tblDir: string): Promise<Peer> {
  const instance = await DuckDBInstance.create(':memory:', { threads: String(threads) });
  const db = await instance.connect();
  const version = String((await db.runAndReadAll('SELECT version()')).getRows()[0]![0]);
  await loadDuckDb(db, tblDir);
  const prepared = new Map<string, Promise<DuckDBPreparedStatement>>();
  return {
    name: 'DuckDB',
    version,
    // Prepared once, as this engine keeps the plan of a text that comes again.
    run: async (sql) => {
      let statement = prepared.get(sql);
      if (statement === undefined) {
        statement = db.prepare(sql);
        prepared.set(sql, statement);
      }
      return (await (await statement).runAndReadAll()).getRowsJson().length;
    },
    close: async () => {
      db.closeSync();
      instance.closeSync();
    },
  };
}

export async function openPostgres(url: string, scale: number): Promise<Peer> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const version = (await client.query<{ server_version: string }>('SHOW server_version')).rows[0]!
    .server_version;
  const { from: copyFrom } = await import('pg-copy-streams');
  const { Readable } = await import('node:stream');
  const { pipeline } = await import('node:stream/promises');
  for (const t of TPCH_TABLES) {
    await client.query(`DROP TABLE IF EXISTS ${t} CASCADE`);
    await client.query(createTable(t, { distribution: 'none', primaryKeys: true }));
    const rows = async function* (): AsyncGenerator<Buffer> {
      for await (const chunk of tableChunks(t, scale))
        yield Buffer.from(
          Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)
            .toString('latin1')
            .replaceAll('|\n', '\n'),
          'latin1',
        );
    };
    await pipeline(
      Readable.from(rows(), { objectMode: true }),
      client.query(copyFrom(`COPY ${t} FROM STDIN WITH (DELIMITER '|')`)),
    );
  }
  await client.query('ANALYZE');
  return {
    name: 'PostgreSQL',
    version,
    run: async (sql) => (await client.query(sql)).rows.length,
    close: () => client.end(),
  };
}

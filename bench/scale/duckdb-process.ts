/** DuckDB in a process of its own, so that its memory is its own: the child's side. One request at a time, over Node's channel. */
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { loadDuckDb } from '../power/peers.js';
import { TPCH_TABLES } from '../tpch/scale.js';

export type DuckDbRequest =
  /** Without a file the database is in memory; a file that was loaded before is taken as it is. */
  | {
      readonly kind: 'open';
      readonly threads: number;
      readonly tbl: string;
      readonly file?: string | undefined;
    }
  | { readonly kind: 'run'; readonly sql: string };

/** Milliseconds are those of the request, all rows fetched. */
export type DuckDbReply = { readonly ms: number; readonly rows: number } | { readonly error: string };

let db: DuckDBConnection | undefined;

async function open(r: Extract<DuckDbRequest, { kind: 'open' }>): Promise<void> {
  const instance = await DuckDBInstance.create(r.file ?? ':memory:', { threads: String(r.threads) });
  db = await instance.connect();
  if (r.file !== undefined && (await isLoaded(db))) return;
  for (const t of TPCH_TABLES) await db.run(`DROP TABLE IF EXISTS ${t}`);
  await loadDuckDb(db, r.tbl);
  if (r.file !== undefined) await db.run('CHECKPOINT');
}

/** The last table is there, and whole: an INSERT is atomic. */
async function isLoaded(connection: DuckDBConnection): Promise<boolean> {
  const last = TPCH_TABLES.at(-1)!;
  const tables = (await connection.runAndReadAll('SHOW TABLES')).getRows().map((r) => String(r[0]));
  if (!tables.includes(last)) return false;
  return Number((await connection.runAndReadAll(`SELECT count(*) FROM ${last}`)).getRows()[0]![0]) > 0;
}

async function answer(r: DuckDbRequest): Promise<DuckDbReply> {
  const began = performance.now();
  try {
    let rows = 0;
    if (r.kind === 'open') await open(r);
    else rows = (await db!.runAndReadAll(r.sql)).getRowsJson().length;
    return { ms: performance.now() - began, rows };
  } catch (e) {
    return { error: e instanceof Error ? e.message : String(e) };
  }
}

process.on('message', (r: DuckDbRequest) => {
  void answer(r).then((reply) => process.send!(reply));
});
process.on('disconnect', () => process.exit());

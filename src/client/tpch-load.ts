/** Creates TPC-H's tables in a cluster and fills them, generated in process or read from `.tbl` files. */
import { createReadStream, existsSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import cliProgress from 'cli-progress';
import type pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { tableChunks } from '../../bench/tpch/generate.js';
import { rowCount, TPCH_TABLES, type TpchTable } from '../../bench/tpch/scale.js';
import { createTable } from '../../bench/tpch/schema.js';
import { CliError } from './cli-error.js';

export type LoadOptions = {
  readonly scale: number;
  /** Directory of `.tbl` files; generated when absent. */
  readonly from?: string | undefined;
  readonly distribution?: 'key' | 'random';
  /** Default: all. */
  readonly tables?: readonly TpchTable[];
  readonly quiet?: boolean;
};

/** `.tbl` lines end in a delimiter that COPY would take for one more column: drops it, counting the lines. The chunk is
 *  changed in place and must end at a line's end. */
function dropTrailingDelimiters(chunk: Uint8Array): { bytes: Uint8Array; rows: number } {
  let to = 0;
  let rows = 0;
  for (let from = 0; from < chunk.length; ) {
    const end = chunk.indexOf(10, from);
    const stop = end < 0 ? chunk.length : end;
    const last = chunk[stop - 1] === 0x7c ? stop - 1 : stop;
    if (to !== from) chunk.copyWithin(to, from, last);
    to += last - from;
    chunk[to++] = 10;
    rows++;
    from = stop + 1;
  }
  return { bytes: chunk.subarray(0, to), rows };
}

async function* wholeLines(file: string): AsyncGenerator<Uint8Array> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const part of createReadStream(file, { highWaterMark: 1 << 20 })) {
    const chunk = Buffer.concat([rest, part as Buffer]);
    const cut = chunk.lastIndexOf(10) + 1;
    rest = chunk.subarray(cut);
    if (cut > 0) yield chunk.subarray(0, cut);
  }
  if (rest.length > 0) yield Buffer.from(rest);
}

async function* rowsOf(
  table: TpchTable,
  options: LoadOptions,
  onRows: (n: number) => void,
): AsyncGenerator<Buffer> {
  const chunks =
    options.from === undefined
      ? tableChunks(table, options.scale)
      : wholeLines(join(options.from, `${table}.tbl`));
  for await (const chunk of chunks) {
    const { bytes, rows } = dropTrailingDelimiters(chunk);
    yield Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    onRows(rows);
  }
}

/** Whether the cluster holds TPC-H at this scale already. */
export async function isLoaded(
  client: pg.Client,
  scale: number,
  tables: readonly TpchTable[] = TPCH_TABLES,
): Promise<boolean> {
  for (const t of tables) {
    try {
      const r = await client.query<{ n: string }>(`SELECT count(*) AS n FROM ${t}`);
      if (Number(r.rows[0]!.n) !== rowCount(t, scale)) return false;
    } catch (e) {
      if ((e as { code?: string }).code === '42P01') return false;
      throw e;
    }
  }
  return true;
}

/** Drops and creates the tables and loads them. Times in milliseconds. */
export async function loadTpch(
  client: pg.Client,
  options: LoadOptions,
): Promise<{ rows: number; ms: number }> {
  const tables = options.tables ?? TPCH_TABLES;
  if (options.from !== undefined)
    for (const t of tables) {
      const file = join(options.from, `${t}.tbl`);
      if (!existsSync(file))
        throw new CliError(
          `${file} does not exist; generate the files with: mpp tpch generate --scale ${options.scale} --out ${options.from}`,
        );
    }
  const began = performance.now();
  const bar = new cliProgress.SingleBar({
    format: '  {table} [{bar}] {percentage}%  {value}/{total} rows',
    hideCursor: true,
    clearOnComplete: true,
    barsize: 30,
    forceRedraw: false,
  });
  const total = tables.reduce((n, t) => n + rowCount(t, options.scale), 0);
  const show = options.quiet !== true && process.stdout.isTTY;
  if (show) bar.start(total, 0, { table: ''.padEnd(8) });
  try {
    for (const table of tables) {
      const tableBegan = performance.now();
      await client.query(`DROP TABLE IF EXISTS ${table}`);
      await client.query(createTable(table, { distribution: options.distribution ?? 'key' }));
      const stream = client.query(copyFrom(`COPY ${table} FROM STDIN WITH (DELIMITER '|')`));
      let rows = 0;
      await pipeline(
        Readable.from(
          rowsOf(table, options, (n) => {
            rows += n;
            if (show) bar.increment(n, { table: table.padEnd(8) });
          }),
          { objectMode: true, highWaterMark: 2 },
        ),
        stream,
      );
      if (!show && options.quiet !== true)
        console.log(
          `  ${table.padEnd(8)} ${String(rows).padStart(9)} rows  ${((performance.now() - tableBegan) / 1000).toFixed(1)} s`,
        );
    }
  } finally {
    if (show) bar.stop();
  }
  return { rows: total, ms: performance.now() - began };
}

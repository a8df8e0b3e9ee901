/** `node dist/bench/tpch/cli.js --scale 0.01 --out DIR`: writes the TPC-H tables as `.tbl` files. */
import { Command, InvalidArgumentError } from 'commander';
import { generateAll } from './generate.js';
import { TPCH_TABLES, type TpchTable } from './scale.js';

type CliOptions = { scale: number; out: string; tables?: TpchTable[]; workers?: number };

function numberOption(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value < 0)
    throw new InvalidArgumentError('not a number');
  return value;
}

function tablesOption(text: string): TpchTable[] {
  return text.split(',').map((name) => {
    const table = TPCH_TABLES.find((known) => known === name);
    if (table === undefined) throw new InvalidArgumentError(`tables are ${TPCH_TABLES.join(', ')}`);
    return table;
  });
}

const options = new Command('tpch-generate')
  .description('Writes the TPC-H tables as .tbl files, byte for byte those of dbgen.')
  .option('--scale <factor>', 'scale factor, such as 0.01 or 10', numberOption, 1)
  .requiredOption('--out <directory>', 'where to write')
  .option('--tables <names>', 'only these, separated by commas', tablesOption)
  .option('--workers <count>', 'threads; by default one for each core', numberOption)
  .parse()
  .opts<CliOptions>();

const startMs = performance.now();
const showProgress = process.stderr.isTTY;
try {
  const sizes = await generateAll({
    scale: options.scale,
    outDir: options.out,
    ...(options.tables !== undefined && { tables: options.tables }),
    ...(options.workers !== undefined && { workers: options.workers }),
    ...(showProgress && {
      onProgress: ({ table, partsDone, parts }) => {
        process.stderr.write(`\r\x1b[K${Math.floor((100 * partsDone) / parts)}% ${table}`);
      },
    }),
  });
  if (showProgress) process.stderr.write('\r\x1b[K');
  for (const [table, bytes] of sizes) {
    console.log(`${`${table}.tbl`.padEnd(14)} ${(bytes / 1e6).toFixed(1).padStart(9)} MB`);
  }
  console.log(`scale factor ${options.scale} in ${((performance.now() - startMs) / 1000).toFixed(1)} s`);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}

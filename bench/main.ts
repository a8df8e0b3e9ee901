/** `npm run bench -- NAME`: benchmarks of this engine beside its peers. */
import { Command } from 'commander';
import { type PowerOptions, powerTest } from './power/tpch.js';

const program = new Command('bench')
  .description('Benchmarks beside the peers, in the same run.')
  .showHelpAfterError();

program
  .command('tpch')
  .description("TPC-H's 22 queries: this engine, DuckDB, and PostgreSQL with --postgres")
  .option('--scale <s>', 'scale factor', Number, 1)
  .option('--segments <n>', 'segments, each with an equal share of the cores', Number, 2)
  .option('--threads <n>', "DuckDB's threads", Number, 2)
  .option('--runs <n>', 'measured runs of each query', Number, 5)
  .option('--port <p>', 'port of the cluster', Number, 5533)
  .option('--queries <list>', 'only these, e.g. 1,6,19')
  .option('--random', 'every table distributed randomly')
  .option('--data <dir>', 'where clusters and files live')
  .option('--postgres <url>', 'also this PostgreSQL server (its TPC-H tables are replaced)')
  .action((o: PowerOptions) => powerTest(o));

await program.parseAsync();

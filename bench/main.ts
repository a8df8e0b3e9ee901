/** `npm run bench -- NAME`: benchmarks of this engine beside its peers. */
import { Command } from 'commander';
import { type LoadBenchOptions, loadBench } from './load/load.js';
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

program
  .command('load')
  .description("COPY of TPC-H's files: this engine, and DuckDB in memory and on disk")
  .option('--scale <s>', 'scale factor', Number, 1)
  .option('--segments <n>', 'segments, each with an equal share of the cores', Number, 2)
  .option('--threads <n>', "DuckDB's threads", Number, 2)
  .option('--port <p>', 'port of the cluster', Number, 5534)
  .option('--stdin', 'from a client over the wire, not from files of the server')
  .option('--tables <list>', 'only these, e.g. orders,lineitem')
  .option('--data <dir>', 'where clusters and files live')
  .action((o: LoadBenchOptions) => loadBench(o));

await program.parseAsync();

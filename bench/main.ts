/** `npm run bench [-- NAME]`: benchmarks of this engine beside its peers. */
import { Command } from 'commander';
import { type AllOptions, allBenches } from './all.js';
import { type ConcurrencyOptions, concurrencyBench } from './concurrency/concurrency.js';
import { OPERATOR_ROOMS, type OperatorsOptions, operatorsBench } from './engine/operators.js';
import { type FetchOptions, fetchBench } from './fetch/fetch.js';
import { type LatencyOptions, latencyBench } from './latency/latency.js';
import { type LoadBenchOptions, loadBench } from './load/load.js';
import { type PowerOptions, powerTest } from './power/tpch.js';
import { type ScaleOptions, scaleBench } from './scale/scale.js';

const program = new Command('bench')
  .description(
    'Benchmarks beside the peers, in the same run. Without a name: all of them, half an hour or more, then a summary.',
  )
  .showHelpAfterError()
  .enablePositionalOptions()
  .option('--scale <s>', 'scale factor of load, tpch, fetch and concurrency', Number, 1)
  .option('--scales <list>', 'scale factors of scale', '0.1,1,10')
  .option('--keep', 'keep the data of scale factors above 1 for the next run')
  .option('--data <dir>', 'where clusters and files live', '.mpp')
  .option('--postgres <url>', 'also this PostgreSQL server (its TPC-H tables are replaced)')
  .addHelpText(
    'after',
    '\nbench NAME --help shows the options of one. Results and their history: bench/results (index.html plots them).',
  )
  .argument('[name]', 'one of the commands below')
  .action((name: string | undefined, o: AllOptions) =>
    name === undefined ? allBenches(o) : program.error(`there is no benchmark "${name}"`),
  );

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

program
  .command('latency')
  .description('short queries over the wire, one client')
  .option('--segments <n>', 'segments', Number, 2)
  .option('--runs <n>', 'measured runs of each query', Number, 300)
  .option('--port <p>', 'port of the cluster', Number, 5535)
  .option('--data <dir>', 'where clusters and files live')
  .option('--postgres <url>', 'also this PostgreSQL server (it must hold the TPC-H tables)')
  .action((o: LatencyOptions) => latencyBench(o));

program
  .command('fetch')
  .description('rows per second of a large result, and the memory of the master')
  .option('--scale <s>', 'scale factor', Number, 1)
  .option('--segments <n>', 'segments', Number, 2)
  .option('--runs <n>', 'measured runs', Number, 3)
  .option('--port <p>', 'port of the cluster', Number, 5533)
  .option('--data <dir>', 'where clusters and files live')
  .option('--postgres <url>', 'also this PostgreSQL server (its TPC-H tables are replaced)')
  .action((o: FetchOptions) => fetchBench(o));

program
  .command('concurrency')
  .description('clients that run the 22 queries at once, and a short query among them')
  .option('--scale <s>', 'scale factor', Number, 1)
  .option('--segments <n>', 'segments', Number, 2)
  .option('--threads <n>', "DuckDB's threads", Number, 2)
  .option('--clients <n>', 'clients that run all queries at once', Number, 8)
  .option('--long <n>', 'clients of long queries beside short ones', Number, 4)
  .option('--seconds <n>', 'how long they run', Number, 10)
  .option('--port <p>', 'port of the cluster', Number, 5533)
  .option('--data <dir>', 'where clusters and files live')
  .action((o: ConcurrencyOptions) => concurrencyBench(o));

program
  .command('scale')
  .description('how time grows with data and falls with segments, and the memory it takes')
  .option('--scales <list>', 'scale factors; 10 takes 30 GB of disk and a quarter of an hour', '0.1,1,10')
  .option('--speedup-scale <s>', 'scale factor for one segment beside two (default: the largest)', Number)
  .option('--memory-scale <s>', 'scale factor at which memory is measured', Number, 1)
  .option('--threads <n>', "DuckDB's threads", Number, 2)
  .option('--runs <n>', 'measured runs of each query', Number, 3)
  .option('--only <list>', 'only these: growth, speedup, memory')
  .option('--keep', 'keep the data of scale factors above 1 for the next run')
  .option('--port <p>', 'port of the clusters, and the next one', Number, 5536)
  .option('--data <dir>', 'where clusters and files live')
  .action((o: ScaleOptions) => scaleBench(o));

program
  .command('operators')
  .description(
    'compiled operators on one thread: rows and bytes per second beside memcpy and hand-written WebAssembly',
  )
  .option('--rows <n>', 'rows of the largest tables', Number, 6_000_000)
  .option('--runs <n>', 'measured runs of each', Number, 7)
  .option('--only <list>', `only these: ${OPERATOR_ROOMS.join(', ')}`)
  .option('--data <dir>', 'where row groups are written')
  .action((o: OperatorsOptions) => operatorsBench(o));

await program.parseAsync();

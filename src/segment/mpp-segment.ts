#!/usr/bin/env -S node --no-incremental-marking
/** The command `mpp-segment`: one segment of a cluster. */
import { Command } from 'commander';
import { memoryBytes, workerCount } from '../exchange/process/limits.js';
import { makeLogger, readToken, runProcess } from '../exchange/process/start.js';
import type { SegmentId } from '../types/ids.js';
import { Segment } from './segment.js';

type Options = {
  join: string;
  token?: string;
  tokenFile?: string;
  data: string;
  listen: string;
  advertise?: string;
  id?: string;
  workers?: string;
  memory: string;
  processesOnHost: string;
  logLevel: string;
};

const command = new Command('mpp-segment')
  .description(
    'Runs one segment of an mpp cluster: it stores a share of every table and runs slices of queries.',
  )
  .requiredOption('--join <host:port>', "the master's address for segments")
  .option('--token <token>', "the cluster's token")
  .option('--token-file <file>', 'a file that holds it')
  .requiredOption('--data <dir>', 'data directory, made when missing')
  .option(
    '--listen <host:port>',
    'address for the master and other segments; port 0 takes a free one',
    '127.0.0.1:0',
  )
  .option('--advertise <host>', 'host under which others reach this process, if not the one in --listen')
  .option('--id <n>', 'the segment id to ask for at the first join; default: the next free one')
  .option('--workers <n>', 'worker threads; default: one for each core')
  .option('--memory <size>', 'shared memory, such as 512MB or 4GB, or auto', 'auto')
  .option(
    '--processes-on-host <n>',
    'mpp processes that share this host: divides the memory taken by auto',
    '2',
  )
  .option('--log-level <level>', 'fatal, error, warn, info, debug', 'info');

const options = command.parse().opts<Options>();
const log = makeLogger('mpp-segment', options.logLevel);

function wantedId(text: string | undefined): SegmentId | undefined {
  if (text === undefined) return undefined;
  const n = Number(text);
  if (!Number.isInteger(n) || n < 0 || n > 1023) throw new Error(`--id ${text}: give 0 to 1023`);
  return n as SegmentId;
}

await runProcess(log, async () => {
  const segment = await Segment.start({
    join: options.join,
    token: readToken(options),
    data: options.data,
    listen: options.listen,
    advertise: options.advertise,
    wantedId: wantedId(options.id),
    workers: workerCount(options.workers),
    memoryBytes: memoryBytes(options.memory, Number(options.processesOnHost)),
    log,
  });
  return () => segment.stop();
});

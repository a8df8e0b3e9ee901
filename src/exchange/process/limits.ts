/** A process's memory, workers and address from its options and its host. */
import { availableParallelism, hostname, totalmem } from 'node:os';
import { SqlError } from '../../types/sql-error.js';

const GIB = 1 << 30;
/** One WebAssembly memory: 64 KiB short of 4 GiB, so that the end of memory is an address. */
const MEMORY_BYTES_MAX = 4 * GIB - 65536;
const MEMORY_BYTES_MIN = 32 << 20;

/** `auto`: half of the host's memory shared by the processes on it, at most 4 GiB each. */
export function memoryBytes(option: string, processesOnHost: number): number {
  if (option === 'auto')
    return Math.max(
      MEMORY_BYTES_MIN,
      Math.min(MEMORY_BYTES_MAX, Math.floor(totalmem() / (2 * Math.max(1, processesOnHost)))),
    );
  const m = /^(\d+)\s*(B|kB|KB|MB|GB|KiB|MiB|GiB|k|M|G)?$/.exec(option.trim());
  const unit = { k: 10, M: 20, G: 30 }[m?.[2]?.[0]?.replace('K', 'k') ?? ''] ?? 0;
  const bytes = m === null ? Number.NaN : Number(m[1]) * 2 ** unit;
  if (!(bytes >= MEMORY_BYTES_MIN && bytes <= 4 * GIB))
    throw new SqlError('22023', `--memory ${option}: give 32MB to 4GB, or auto`);
  return Math.min(bytes, MEMORY_BYTES_MAX);
}

export function workerCount(option: string | undefined): number {
  if (option === undefined) return availableParallelism();
  const n = Number(option);
  if (!Number.isInteger(n) || n < 1 || n > 64)
    throw new SqlError('22023', `--workers ${option}: give 1 to 64`);
  return n;
}

/** `host:port`, `[v6]:port`. */
export function parseAddress(text: string, option: string): { host: string; port: number } {
  const m = /^(?:\[([^\]]+)\]|([^:]+)):(\d+)$/.exec(text);
  const port = Number(m?.[3]);
  if (m === null || port > 65535) throw new SqlError('22023', `${option} ${text}: give HOST:PORT`);
  return { host: m[1] ?? m[2]!, port };
}

/** Where others reach what listens on `host`: all interfaces are no address. */
export function advertised(host: string, port: number): string {
  const name = host === '0.0.0.0' || host === '::' ? hostname() : host;
  return `${name.includes(':') ? `[${name}]` : name}:${port}`;
}

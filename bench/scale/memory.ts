/** Memory of processes as the system counts it: proportional set size, so that pages that processes share count once.
 *  Linux only; elsewhere there is nothing to say. */
import { existsSync, readFileSync } from 'node:fs';

const EVERY_MS = 250;

export function memoryMb(pids: readonly number[]): number | undefined {
  if (!existsSync('/proc/self/smaps_rollup')) return undefined;
  let kb = 0;
  for (const pid of pids) {
    try {
      kb += Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0);
    } catch {
      // It ended.
    }
  }
  return kb / 1024;
}

/** Looks at the memory of processes until it is stopped. */
export class MemoryWatch {
  private readonly pids: readonly number[];
  private readonly timer: NodeJS.Timeout;
  private peak: number | undefined;

  constructor(pids: readonly number[]) {
    this.pids = pids;
    this.timer = setInterval(() => this.look(), EVERY_MS);
  }

  /** The memory now and the most that was seen, in MB. */
  stop(): { now: number; peak: number } | undefined {
    clearInterval(this.timer);
    const now = this.look();
    return now === undefined ? undefined : { now, peak: this.peak! };
  }

  private look(): number | undefined {
    const now = memoryMb(this.pids);
    if (now !== undefined) this.peak = Math.max(this.peak ?? 0, now);
    return now;
  }
}

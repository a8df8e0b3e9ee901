/** Locks on relations: statements that read or load share, those that drop or replace have it alone.
 *
 *  Invariants: first come, first served (a waiting exclusive request is not starved by later shared ones); all locks of
 *  a statement are asked for at once, in order of oid, so that two statements never wait for each other; nobody waits
 *  for himself: a session that still reads a relation through a portal cannot drop it (55006). */
import { SqlError } from '../../types/sql-error.js';

export type LockMode = 'shared' | 'exclusive';

type Waiter = { readonly mode: LockMode; readonly grant: () => void };
type Entry = {
  shared: number;
  exclusive: boolean;
  readonly queue: Waiter[];
  /** Who holds it, once for each lock. */
  readonly owners: object[];
};

export class LockTable {
  private readonly entries = new Map<number, Entry>();

  /** Resolves with what releases all of them. Rejects with the signal's reason, or 55P03 after `timeoutMs` (0: never). */
  async acquire(
    oids: readonly number[],
    mode: LockMode,
    owner: object,
    signal: AbortSignal,
    timeoutMs: number,
  ): Promise<() => void> {
    const held: number[] = [];
    let released = false;
    const release = () => {
      if (released) return;
      released = true;
      for (const oid of held) this.release(oid, mode, owner);
    };
    const deadline = timeoutMs > 0 ? performance.now() + timeoutMs : undefined;
    try {
      for (const oid of [...new Set(oids)].sort((a, b) => a - b)) {
        if (!this.tryAcquire(oid, mode)) {
          if (this.entry(oid).owners.includes(owner))
            throw new SqlError(
              '55006',
              'cannot change or drop a relation because it is being used by active queries in this session',
            );
          await this.wait(oid, mode, signal, deadline);
        }
        this.entry(oid).owners.push(owner);
        held.push(oid);
      }
    } catch (e) {
      release();
      throw e;
    }
    return release;
  }

  private entry(oid: number): Entry {
    let e = this.entries.get(oid);
    if (e === undefined) {
      e = { shared: 0, exclusive: false, queue: [], owners: [] };
      this.entries.set(oid, e);
    }
    return e;
  }

  private tryAcquire(oid: number, mode: LockMode): boolean {
    const e = this.entry(oid);
    if (e.queue.length > 0 || !free(e, mode)) return false;
    take(e, mode);
    return true;
  }

  private wait(
    oid: number,
    mode: LockMode,
    signal: AbortSignal,
    deadline: number | undefined,
  ): Promise<void> {
    const e = this.entry(oid);
    return new Promise((resolve, reject) => {
      const stop = (error: unknown) => {
        const at = e.queue.indexOf(waiter);
        if (at >= 0) e.queue.splice(at, 1);
        done();
        this.advance(oid, e);
        reject(error);
      };
      const onAbort = () => stop(signal.reason);
      const timer =
        deadline === undefined
          ? undefined
          : setTimeout(
              () => stop(new SqlError('55P03', 'canceling statement due to lock timeout')),
              Math.max(0, deadline - performance.now()),
            );
      const done = () => {
        signal.removeEventListener('abort', onAbort);
        clearTimeout(timer);
      };
      const waiter: Waiter = {
        mode,
        grant: () => {
          done();
          resolve();
        },
      };
      if (signal.aborted) {
        clearTimeout(timer);
        reject(signal.reason);
        return;
      }
      signal.addEventListener('abort', onAbort, { once: true });
      e.queue.push(waiter);
    });
  }

  private release(oid: number, mode: LockMode, owner: object): void {
    const e = this.entry(oid);
    e.owners.splice(e.owners.indexOf(owner), 1);
    if (mode === 'shared') e.shared--;
    else e.exclusive = false;
    this.advance(oid, e);
  }

  private advance(oid: number, e: Entry): void {
    while (e.queue.length > 0 && free(e, e.queue[0].mode)) {
      const next = e.queue.shift()!;
      take(e, next.mode);
      next.grant();
    }
    if (e.queue.length === 0 && e.shared === 0 && !e.exclusive) this.entries.delete(oid);
  }
}

function free(e: Entry, mode: LockMode): boolean {
  return !e.exclusive && (mode === 'shared' || e.shared === 0);
}

function take(e: Entry, mode: LockMode): void {
  if (mode === 'shared') e.shared++;
  else e.exclusive = true;
}

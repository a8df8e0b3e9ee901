/** How many sessions there may be, and who waits for a place.
 *
 *  Owns: the places, and a queue in the order of arrival, bounded in length and time. 53300 for whoever finds it full
 *  or waits too long. A client that leaves while it waits gives up its turn. */
import { SqlError } from '../../types/sql-error.js';

export type AdmissionLimits = {
  readonly sessionsMax: number;
  /** Clients that may wait. */
  readonly waitingMax: number;
  readonly waitMs: number;
};

export const DEFAULT_LIMITS: AdmissionLimits = { sessionsMax: 200, waitingMax: 200, waitMs: 10_000 };

type Waiter = { readonly admit: () => void; readonly refuse: (e: unknown) => void };

export class Admission {
  readonly limits: AdmissionLimits;
  private sessions = 0;
  private readonly queue = new Set<Waiter>();

  constructor(limits: AdmissionLimits) {
    this.limits = limits;
  }

  get waiting(): number {
    return this.queue.size;
  }

  /** Resolves when there is a place, with what gives it back; rejects with 53300, or when `left` aborts. */
  async enter(left: AbortSignal): Promise<() => void> {
    const { sessionsMax, waitingMax, waitMs } = this.limits;
    if (this.sessions >= sessionsMax || this.queue.size > 0) {
      if (this.queue.size >= waitingMax) throw tooMany();
      await this.turn(left, waitMs);
    } else this.sessions++;
    let given = false;
    return () => {
      if (given) return;
      given = true;
      this.leave();
    };
  }

  private turn(left: AbortSignal, waitMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const over = (): void => {
        clearTimeout(timer);
        left.removeEventListener('abort', gone);
        this.queue.delete(waiter);
      };
      const waiter: Waiter = {
        admit() {
          over();
          resolve();
        },
        refuse(e) {
          over();
          reject(e);
        },
      };
      const gone = (): void => waiter.refuse(left.reason);
      const timer = setTimeout(() => waiter.refuse(tooMany()), waitMs);
      left.addEventListener('abort', gone, { once: true });
      this.queue.add(waiter);
      if (left.aborted) gone();
    });
  }

  /** The place goes to the first who waits. */
  private leave(): void {
    const [first] = this.queue;
    if (first === undefined) this.sessions--;
    else first.admit();
  }
}

export function tooMany(): SqlError {
  return new SqlError('53300', 'sorry, too many clients already');
}

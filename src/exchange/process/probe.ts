/** Is there still a process behind an address whose heartbeats have ceased?
 *
 *  The kernel accepts connections for a process that is merely busy (or stopped); a dead process refuses them, and a host that is
 *  gone does not answer. */
import { connect } from 'node:net';
import { parseAddress } from './limits.js';

/** No news for so long: the peer is probed. */
export const SUSPECT_MS = 1200;
const PROBE_MS = 700;
/** A process that exists and says nothing for so long is taken for hung. */
export const HUNG_MS = 10_000;

export function probe(address: string): Promise<boolean> {
  const { host, port } = parseAddress(address, 'address');
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const settle = (alive: boolean): void => {
      socket.destroy();
      resolve(alive);
    };
    socket.setTimeout(PROBE_MS, () => settle(false));
    socket.once('connect', () => settle(true));
    socket.once('error', () => settle(false));
  });
}

/** Watches one peer: fed with what is heard of it, asked at every tick. */
export class Liveness {
  private readonly address: string;
  private heardMs = performance.now();
  private tickedMs = performance.now();
  private probing = false;
  private gone = false;

  constructor(address: string) {
    this.address = address;
  }

  heard(): void {
    this.heardMs = performance.now();
  }

  /** Every `intervalMs`. Why the peer is taken for lost; undefined while it is not. */
  tick(intervalMs: number): string | undefined {
    const now = performance.now();
    // What this process slept, the peer is not to blame for.
    this.heardMs += Math.max(0, now - this.tickedMs - intervalMs);
    this.tickedMs = now;
    const silentMs = now - this.heardMs;
    if (silentMs > HUNG_MS) return `it said nothing for ${HUNG_MS} ms`;
    if (silentMs <= SUSPECT_MS) {
      this.gone = false;
      return undefined;
    }
    if (this.gone) return `it said nothing for ${SUSPECT_MS} ms and cannot be reached`;
    if (!this.probing) {
      this.probing = true;
      void probe(this.address).then((alive) => {
        this.probing = false;
        this.gone = !alive;
      });
    }
    return undefined;
  }
}

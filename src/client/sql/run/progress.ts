/** While a statement runs for over a second: a bar with rows and the slices that are at work.
 *
 *  Asks mpp_progress over a connection of its own, which is opened when it is first wanted and kept. A server that has no
 *  such table gets a clock. */
import { stdout } from '../output.js';
import type { Session } from '../session.js';
import { parseBoolean } from '../variables.js';
import { openConnection } from '../wire/connect.js';
import type { ServerConnection } from '../wire/server-connection.js';

export type Progress = { stop(): void };

const FIRST_MS = 1000;
const EVERY_MS = 250;

const NOTHING: Progress = { stop() {} };

export function watchProgress(session: Session): Progress {
  const wanted = parseBoolean(session.variables.get('PROGRESS') ?? 'on') ?? true;
  if (!session.interactive || !wanted || process.stdout.isTTY !== true) return NOTHING;
  return new Watch(session);
}

export type SliceRow = {
  readonly segment: number;
  readonly slice: number;
  readonly state: string;
  readonly rows: number;
  readonly total: number | undefined;
};

class Watch implements Progress {
  private readonly session: Session;
  private readonly began = performance.now();
  private timer: NodeJS.Timeout;
  private stopped = false;
  private shown = false;

  constructor(session: Session) {
    this.session = session;
    this.timer = setTimeout(() => void this.tick(), FIRST_MS);
  }

  stop(): void {
    if (this.stopped) return;
    this.stopped = true;
    clearTimeout(this.timer);
    if (this.shown) process.stdout.write('\r\x1b[K');
  }

  private async tick(): Promise<void> {
    const rows = await this.ask().catch(() => undefined);
    if (this.stopped) return;
    const text = progressLine(
      rows ?? [],
      performance.now() - this.began,
      process.stdout.columns,
      this.session.colors,
    );
    stdout.flush();
    process.stdout.write(`\r${text}\x1b[K`);
    this.shown = true;
    this.timer = setTimeout(() => void this.tick(), EVERY_MS);
  }

  private async ask(): Promise<readonly SliceRow[] | undefined> {
    const { session } = this;
    const pid = session.connection?.processId;
    const watcher = await watcherOf(session);
    if (watcher === undefined || pid === undefined) return undefined;
    const { rows } = await watcher.rows(
      `SELECT segment, slice, state, rows, rows_total FROM pg_catalog.mpp_progress WHERE pid = ${pid}`,
    );
    return rows.map(([segment, slice, state, done, total]) => ({
      segment: Number(segment),
      slice: Number(slice),
      state: state!,
      rows: Number(done),
      total: total === null || total === undefined ? undefined : Number(total),
    }));
  }
}

type Watcher = { readonly of: ServerConnection; readonly connection: Promise<ServerConnection | undefined> };

const watchers = new WeakMap<Session, Watcher>();

function watcherOf(session: Session): Promise<ServerConnection | undefined> {
  const { connection, connectionSettings } = session;
  if (connection === undefined || connectionSettings === undefined) return Promise.resolve(undefined);
  // PostgreSQL has nothing to tell.
  if (!/\bmpp\b/.test(connection.parameters.get('server_version') ?? '')) return Promise.resolve(undefined);
  const known = watchers.get(session);
  if (known?.of === connection) return known.connection;
  const opened = openConnection(
    { ...connectionSettings, applicationName: 'mpp-sql progress' },
    { prompt: undefined, promptFirst: false, warn: () => undefined },
  ).catch(() => undefined);
  watchers.set(session, { of: connection, connection: opened });
  return opened;
}

function short(n: number): string {
  if (n < 10_000) return String(n);
  if (n < 1e6) return `${(n / 1e3).toFixed(0)}k`;
  if (n < 1e9) return `${(n / 1e6).toFixed(1)}M`;
  return `${(n / 1e9).toFixed(2)}G`;
}

const BAR_COLUMNS = 24;

/** One line for the screen, no longer than `columns`. */
export function progressLine(
  rows: readonly SliceRow[],
  elapsedMs: number,
  columns: number,
  colors: boolean,
): string {
  const seconds = `${(elapsedMs / 1000).toFixed(1)} s`;
  const scans = rows.filter((r) => r.total !== undefined);
  const done = scans.reduce((a, r) => a + r.rows, 0);
  const total = scans.reduce((a, r) => a + r.total!, 0);
  const running = [...new Set(rows.filter((r) => r.state === 'running').map((r) => r.slice))].sort(
    (a, b) => a - b,
  );
  const parts: string[] = [];
  if (total > 0) {
    const share = Math.min(1, done / total);
    const full = Math.round(share * BAR_COLUMNS);
    parts.push(
      `[${'█'.repeat(full)}${'░'.repeat(BAR_COLUMNS - full)}] ${String(Math.floor(share * 100)).padStart(3)}%`,
      `${short(done)} of ${short(total)} rows`,
    );
  } else if (rows.length === 0) parts.push('running');
  if (running.length > 0) parts.push(`slice${running.length === 1 ? '' : 's'} ${running.join(', ')} running`);
  parts.push(seconds);
  const line = `${parts.join('  ')}  (Ctrl-C cancels)`;
  const cut = line.length < columns ? line : line.slice(0, Math.max(0, columns - 1));
  return colors ? `\x1b[36m${cut}\x1b[0m` : cut;
}

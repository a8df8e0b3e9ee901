/** Row counts and bounds of tables, exact again from what the segments hold. */
import type { TableDef } from '../../plan/catalog.js';
import type { StoredTable } from '../catalog/state.js';
import { refreshed } from '../catalog/stats.js';
import type { TableTarget } from '../dispatch/api.js';
import type { MasterServices } from '../session/services.js';

export function tableTarget(table: TableDef): TableTarget {
  const { oid, storageId, name, columns, distribution } = table;
  return {
    oid,
    storageId,
    name,
    columns: columns.map((c) => ({ name: c.name, type: c.type, notNull: c.notNull })),
    distribution,
  };
}

/** Changes nothing when a load has committed meanwhile: what the segments said may be older than it. */
export async function refreshTable(
  services: Pick<MasterServices, 'catalog' | 'dispatcher'>,
  stored: StoredTable,
): Promise<void> {
  const { catalog, dispatcher } = services;
  const table = catalog.definition(stored);
  if (table.kind !== 'table') return;
  const { version } = stored.stats;
  if (!catalog.allSeen(stored.storageId)) return;
  const summary = await dispatcher.tableSummary(tableTarget(table));
  await catalog.updateStats(stored.oid, (stats) => {
    if (stats.version !== version) return stats;
    const now = refreshed(stats, summary);
    return same(stats, now) ? stats : now;
  });
}

function same(a: StoredTable['stats'], b: StoredTable['stats']): boolean {
  const text = (s: StoredTable['stats']) =>
    JSON.stringify([s.rows, s.bounds], (_, v: unknown) => (typeof v === 'bigint' ? `${v}n` : v));
  return text(a) === text(b);
}

const POLL_MS = 500;

/** Every table once, as soon as all segments are up: a crash between a load's widening and its commit leaves counts
 *  and bounds too large. Tables that cannot be asked for keep what they have. */
export async function refreshAtStart(
  services: Pick<MasterServices, 'catalog' | 'dispatcher' | 'log'>,
  signal: AbortSignal,
): Promise<void> {
  const ready = () => {
    const segments = services.dispatcher.segments();
    return segments.length > 0 && segments.every((s) => s.up);
  };
  while (!ready()) {
    if (signal.aborted) return;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS).unref());
  }
  for (const t of services.catalog.tables()) {
    if (signal.aborted) return;
    await refreshTable(services, t).catch((err: unknown) => {
      services.log.warn({ table: t.name, err }, 'row counts could not be refreshed');
    });
  }
}

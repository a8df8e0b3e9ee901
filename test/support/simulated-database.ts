/** Tables of the embedded PostgreSQL copied into simulated segments, with exact or no statistics; queries on them run
 *  through binder, planner and simulator. */
import { bindStatement } from '../../src/plan/bind/bind.js';
import type { Catalog, ColumnStats, TableDef } from '../../src/plan/catalog.js';
import { verifyLogical } from '../../src/plan/logical/verify.js';
import type { PlannerSettings } from '../../src/plan/settings.js';
import { parseSql } from '../../src/plan/sql/parse.js';
import { compareValues } from '../../src/types/compare.js';
import type { StorageId } from '../../src/types/ids.js';
import { typeRange } from '../../src/types/sql-type.js';
import { isNan } from '../../src/types/stored-numeric.js';
import { formatText, parseText } from '../../src/types/text-io.js';
import { isNumeric, type Value } from '../../src/types/value.js';
import type { Oracle } from './pglite.js';
import { bindSelect, planSql, TEST_FUNCTIONS } from './plan-sql.js';
import { SimulatedCluster, type TableData } from './simulate.js';
import { catalogOf } from './tpch-catalog.js';

function unscaled(v: Value): bigint | undefined {
  if (typeof v === 'bigint') return v;
  if (typeof v === 'number') return BigInt(v);
  return isNumeric(v) && 'unscaled' in v ? v.unscaled : undefined;
}

function statsOf(
  def: TableDef,
  column: number,
  rows: readonly (readonly Value[])[],
  analyzed: boolean,
): ColumnStats {
  const all = rows.map((r) => r[column]);
  const known = all.filter((v) => v !== null);
  const type = def.columns[column].type;
  const digits = known.map(unscaled).filter((v) => v !== undefined);
  const ranged =
    digits.length === known.length &&
    known.length > 0 &&
    typeRange(type) !== undefined &&
    type.kind !== 'bool';
  const sorted = [...known].sort((a, b) => compareValues(type, a, b));
  return {
    noNulls: known.length === all.length,
    ...(known.some(isNan) ? { hasNan: true } : {}),
    ...(ranged
      ? {
          range: {
            min: digits.reduce((a, b) => (b < a ? b : a)),
            max: digits.reduce((a, b) => (b > a ? b : a)),
          },
        }
      : {}),
    ...(analyzed
      ? {
          nullFraction: all.length === 0 ? 0 : 1 - known.length / all.length,
          distinct: new Set(known.map((v) => formatText(type, v))).size,
          histogram: sorted.filter((_, i) => i % 4 === 0),
        }
      : {}),
  };
}

export async function loadTables(
  oracle: Oracle,
  statements: readonly string[],
  index: number,
  analyzed: boolean,
): Promise<TableData[]> {
  const empty = catalogOf([], 3);
  const data: TableData[] = [];
  for (const sql of statements) {
    await oracle.query(sql);
    if (!sql.startsWith('CREATE')) continue;
    const bound = bindStatement(parseSql(sql)[0], empty, { paramTypes: [], functions: TEST_FUNCTIONS });
    if (bound.kind !== 'createTable') throw new Error(sql);
    const def: TableDef = {
      kind: 'table',
      oid: 20_000 + index + data.length,
      schema: 'public',
      name: bound.table.name,
      columns: bound.table.columns,
      primaryKey: bound.table.primaryKey,
      distribution: bound.table.distribution,
      storageId: (data.length + 1) as StorageId,
      stats: { rows: 0, analyzed: false, columns: [], version: 1 },
    };
    data.push({ def, rows: [] });
  }
  const loaded: TableData[] = [];
  for (const { def } of data) {
    const text = await oracle.query(`SELECT ${def.columns.map((c) => c.name).join(', ')} FROM ${def.name}`);
    const rows = text.map((r) => r.map((v, i) => (v === null ? null : parseText(def.columns[i].type, v))));
    const stats = {
      rows: rows.length,
      analyzed,
      version: 1,
      columns: def.columns.map((_, i) => statsOf(def, i, rows, analyzed)),
    };
    loaded.push({ def: { ...def, stats }, rows });
  }
  return loaded;
}

export function simulateSql(
  sql: string,
  data: readonly TableData[],
  segments: number,
  disabledRules: ReadonlySet<string>,
  shareSubplans: PlannerSettings['shareSubplans'] = 'auto',
): string[] {
  const catalog: Catalog = catalogOf(
    data.map((d) => d.def),
    segments,
  );
  const types = bindSelect(sql, catalog).plan.cols.map((c) => c.type);
  const plan = planSql(sql, catalog, {
    settings: { disabledRules, shareSubplans, joinOrderLimit: segments === 2 ? 2 : 10 },
    trace: (rule, _, after) => {
      try {
        verifyLogical(after, { decorrelated: rule !== 'ResolveShared' && rule !== 'RemoveSubqueries' });
      } catch (e) {
        throw new Error(`after ${rule}: ${e instanceof Error ? e.message : String(e)}`);
      }
    },
  });
  const { rows } = new SimulatedCluster(segments, data).run(plan);
  return rows.map((r) => r.map((v, i) => (v === null ? 'NULL' : formatText(types[i], v))).join(','));
}

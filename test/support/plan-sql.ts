/** SQL text to bound and planned statements, against a catalog made by a test. Call `loadParser` first. */
import { bindStatement } from '../../src/plan/bind/bind.js';
import type { BoundStatement, QueryStatement } from '../../src/plan/bind/statement.js';
import type { Catalog } from '../../src/plan/catalog.js';
import type { DistributedPlan } from '../../src/plan/physical.js';
import { type PlannerEnv, planInsert, planQuery } from '../../src/plan/plan.js';
import { parseSql } from '../../src/plan/sql/parse.js';
import type { FunctionContext } from '../../src/types/functions/registry-types.js';
import type { SegmentId } from '../../src/types/ids.js';

export const TEST_FUNCTIONS: FunctionContext = {
  nowMicros: 1_700_000_000_000_000n,
  timeZone: 'UTC',
  dateStyle: 'ISO, MDY',
  intervalStyle: 'postgres',
  extraFloatDigits: 1,
  user: 'tester',
  database: 'test',
  searchPath: ['public'],
};

export function bindSql(sql: string, catalog: Catalog): BoundStatement {
  const [parsed] = parseSql(sql);
  return bindStatement(parsed, catalog, { paramTypes: [], functions: TEST_FUNCTIONS });
}

export function bindSelect(sql: string, catalog: Catalog): QueryStatement {
  const bound = bindSql(sql, catalog);
  if (bound.kind !== 'query') throw new Error(`not a query: ${sql}`);
  return bound;
}

export function segmentIds(n: number): readonly SegmentId[] {
  return Array.from({ length: n }, (_, i) => i as SegmentId);
}

export function planSql(
  sql: string,
  catalog: Catalog,
  env: Partial<Omit<PlannerEnv, 'segments' | 'paramTypes'>> = {},
): DistributedPlan {
  const bound = bindSql(sql, catalog);
  const full: PlannerEnv = {
    ...env,
    segments: segmentIds(catalog.segmentCount),
    paramTypes: bound.paramTypes,
  };
  if (bound.kind === 'insert') return planInsert(bound.source, bound.table, full);
  if (bound.kind !== 'query') throw new Error(`not a query: ${sql}`);
  return planQuery(
    bound.plan,
    bound.output.map((o) => o.name),
    full,
  );
}

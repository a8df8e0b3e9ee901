/** The system tables by name: PostgreSQL 15's pg_catalog and information_schema, and ours.
 *
 *  Owns: their definitions as the planner sees them (columns, types). The rows are in `rows-*.ts`; a table without
 *  an entry there is empty, because nothing of its kind exists here. */
import type { ColumnDef, VirtualTableDef } from '../../../plan/catalog.js';
import { type SqlType, TYPE_INFO, type TypeKind, vectorType } from '../../../types/sql-type.js';
import { INFORMATION_SCHEMA_COLUMNS, PG_CATALOG_COLUMNS } from './pg-columns.js';

/** Ours, in pg_catalog so that they are found without a schema. */
const MPP_COLUMNS = `
mpp_progress 9004 pid:int4! segment:int4! slice:int4! state:text! rows:int8! rows_total:int8
mpp_segments 9001 id:int4! host:text port:int4 address:text up:bool! pid:int4
pg_stat_statements 9004 userid:oid dbid:oid toplevel:bool queryid:int8 query:text plans:int8 total_plan_time:float8 min_plan_time:float8 max_plan_time:float8 mean_plan_time:float8 stddev_plan_time:float8 calls:int8 total_exec_time:float8 min_exec_time:float8 max_exec_time:float8 mean_exec_time:float8 stddev_exec_time:float8 rows:int8
mpp_distribution 9002 localoid:oid! schemaname:name! tablename:name! policy:text! distkey:text numsegments:int4!
gp_distribution_policy 9003 localoid:oid! policytype:char! numsegments:int4! distkey:int2[] distclass:oid[]
`;

const SCALARS = new Set<string>(Object.keys(TYPE_INFO));

function typeOfText(text: string): SqlType {
  const vector = vectorType(text);
  if (vector !== undefined) return vector;
  if (text.endsWith('[]')) return { kind: 'array', element: typeOfText(text.slice(0, -2)) };
  if (!SCALARS.has(text)) throw new Error(`no type ${text}`);
  return { kind: text as Exclude<TypeKind, 'array'> } as SqlType;
}

function parseDefinitions(schema: string, text: string): readonly VirtualTableDef[] {
  return text
    .trim()
    .split('\n')
    .map((line) => {
      const [name, oid, ...columns] = line.split(' ');
      return {
        kind: 'virtual',
        oid: Number(oid),
        schema,
        name,
        columns: columns.map((c): ColumnDef => {
          const colon = c.indexOf(':');
          const notNull = c.endsWith('!');
          return {
            name: c.slice(0, colon),
            type: typeOfText(c.slice(colon + 1, notNull ? -1 : undefined)),
            notNull,
          };
        }),
      };
    });
}

export const SYSTEM_TABLES: readonly VirtualTableDef[] = [
  ...parseDefinitions('pg_catalog', PG_CATALOG_COLUMNS),
  ...parseDefinitions('pg_catalog', MPP_COLUMNS),
  ...parseDefinitions('information_schema', INFORMATION_SCHEMA_COLUMNS),
];

const BY_NAME = new Map(SYSTEM_TABLES.map((t) => [`${t.schema}.${t.name}`, t]));
const BY_OID = new Map(SYSTEM_TABLES.map((t) => [t.oid, t]));

export function systemTable(schema: string, name: string): VirtualTableDef | undefined {
  return BY_NAME.get(`${schema}.${name}`);
}

export function systemTableByOid(oid: number): VirtualTableDef | undefined {
  return BY_OID.get(oid);
}

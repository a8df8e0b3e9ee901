/** A catalog made from DDL text, for tests of the planner's rooms. Call `loadParser()` before. */
import type { FunctionContext } from '../../types/functions/registry-types.js';
import type { StorageId } from '../../types/ids.js';
import type { Catalog, ColumnDef, Relation, TableStats } from '../catalog.js';
import { parseSql } from '../sql/parse.js';
import { type BindOptions, bindStatement } from './bind.js';
import type { BoundStatement } from './statement.js';

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

export class FakeCatalog implements Catalog {
  readonly searchPath: readonly string[] = ['public'];
  readonly segmentCount: number;
  private readonly relations = new Map<string, Relation>();
  private readonly schemas = new Set(['public', 'pg_catalog', 'information_schema']);
  private nextOid = 16384;

  constructor(segmentCount = 3) {
    this.segmentCount = segmentCount;
  }

  relation(schema: string | undefined, name: string): Relation | undefined {
    const path = schema === undefined ? ['pg_catalog', ...this.searchPath] : [schema];
    for (const s of path) {
      const r = this.relations.get(`${s}.${name}`);
      if (r !== undefined) return r;
    }
    return undefined;
  }

  hasSchema(name: string): boolean {
    return this.schemas.has(name);
  }

  /** Runs CREATE SCHEMA, CREATE TABLE and CREATE VIEW statements. */
  run(sql: string): void {
    for (const parsed of parseSql(sql)) {
      const s = bindStatement(parsed, this, { paramTypes: [], functions: TEST_FUNCTIONS });
      if (s.kind === 'createSchema') this.schemas.add(s.name ?? TEST_FUNCTIONS.user);
      else if (s.kind === 'createTable')
        this.add({
          kind: 'table',
          oid: this.nextOid++,
          schema: s.table.schema,
          name: s.table.name,
          columns: s.table.columns,
          primaryKey: s.table.primaryKey,
          distribution: s.table.distribution,
          storageId: this.nextOid as StorageId,
          stats: emptyStats(s.table.columns.length),
        });
      else if (s.kind === 'createView')
        this.add({
          kind: 'view',
          oid: this.nextOid++,
          schema: s.schema,
          name: s.name,
          sql: s.sql,
          owner: 10,
          columns: s.columns,
        });
      else throw new Error(`the fake catalog does not run ${s.kind}`);
    }
  }

  /** A master-computed table. */
  virtual(schema: string, name: string, columns: readonly ColumnDef[]): void {
    this.add({ kind: 'virtual', oid: this.nextOid++, schema, name, columns });
  }

  add(r: Relation): void {
    this.relations.set(`${r.schema}.${r.name}`, r);
  }

  setStats(name: string, stats: TableStats): void {
    const r = this.relation(undefined, name);
    if (r?.kind !== 'table') throw new Error(`no table ${name}`);
    this.add({ ...r, stats });
  }

  bind(sql: string, options: Partial<BindOptions> = {}): BoundStatement {
    const [parsed] = parseSql(sql);
    if (parsed === undefined) throw new Error('no statement');
    return bindStatement(parsed, this, { paramTypes: [], functions: TEST_FUNCTIONS, ...options });
  }
}

function emptyStats(columns: number): TableStats {
  return { rows: 0, analyzed: false, columns: Array.from({ length: columns }, () => ({})), version: 1 };
}

export const TPCH_DDL = `
create table nation (n_nationkey integer not null, n_name char(25) not null, n_regionkey integer not null,
  n_comment varchar(152), primary key (n_nationkey)) distributed replicated;
create table region (r_regionkey integer not null, r_name char(25) not null, r_comment varchar(152),
  primary key (r_regionkey)) distributed replicated;
create table part (p_partkey integer not null, p_name varchar(55) not null, p_mfgr char(25) not null,
  p_brand char(10) not null, p_type varchar(25) not null, p_size integer not null, p_container char(10) not null,
  p_retailprice decimal(15,2) not null, p_comment varchar(23) not null, primary key (p_partkey))
  distributed by (p_partkey);
create table supplier (s_suppkey integer not null, s_name char(25) not null, s_address varchar(40) not null,
  s_nationkey integer not null, s_phone char(15) not null, s_acctbal decimal(15,2) not null,
  s_comment varchar(101) not null, primary key (s_suppkey)) distributed by (s_suppkey);
create table partsupp (ps_partkey integer not null, ps_suppkey integer not null, ps_availqty integer not null,
  ps_supplycost decimal(15,2) not null, ps_comment varchar(199) not null, primary key (ps_partkey, ps_suppkey))
  distributed by (ps_partkey);
create table customer (c_custkey integer not null, c_name varchar(25) not null, c_address varchar(40) not null,
  c_nationkey integer not null, c_phone char(15) not null, c_acctbal decimal(15,2) not null,
  c_mktsegment char(10) not null, c_comment varchar(117) not null, primary key (c_custkey))
  distributed by (c_custkey);
create table orders (o_orderkey bigint not null, o_custkey integer not null, o_orderstatus char(1) not null,
  o_totalprice decimal(15,2) not null, o_orderdate date not null, o_orderpriority char(15) not null,
  o_clerk char(15) not null, o_shippriority integer not null, o_comment varchar(79) not null,
  primary key (o_orderkey)) distributed by (o_orderkey);
create table lineitem (l_orderkey bigint not null, l_partkey integer not null, l_suppkey integer not null,
  l_linenumber integer not null, l_quantity decimal(15,2) not null, l_extendedprice decimal(15,2) not null,
  l_discount decimal(15,2) not null, l_tax decimal(15,2) not null, l_returnflag char(1) not null,
  l_linestatus char(1) not null, l_shipdate date not null, l_commitdate date not null, l_receiptdate date not null,
  l_shipinstruct char(25) not null, l_shipmode char(10) not null, l_comment varchar(44) not null,
  primary key (l_orderkey, l_linenumber)) distributed by (l_orderkey);
`;

/** TPC-H's eight tables, distributed by key. */
export function tpchCatalog(segmentCount = 3): FakeCatalog {
  const catalog = new FakeCatalog(segmentCount);
  catalog.run(TPCH_DDL);
  return catalog;
}

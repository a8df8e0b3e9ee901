/**
 * CREATE TABLE for the eight tables: the specification's columns and primary keys in PostgreSQL types.
 * Source: TPC-H specification 1.4.
 */
import { TPCH_TABLES, type TpchTable } from './scale.js';

/**
 * `key`: by the key most joins use, the two small tables on every segment. `random`: every table strewn.
 * `none`: no clause, which PostgreSQL and DuckDB accept.
 */
export type TpchDistribution = 'key' | 'random' | 'none';

export type SchemaOptions = {
  readonly distribution?: TpchDistribution;
  /** By default true. */
  readonly primaryKeys?: boolean;
};

type TableDefinition = {
  readonly columns: readonly (readonly [name: string, type: string])[];
  readonly primaryKey: readonly string[];
  /** None: small enough to be on every segment. */
  readonly distributionKey?: string;
};

const MONEY = 'numeric(15,2)';

export const TPCH_SCHEMA: Readonly<Record<TpchTable, TableDefinition>> = {
  region: {
    columns: [
      ['r_regionkey', 'integer'],
      ['r_name', 'char(25)'],
      ['r_comment', 'varchar(152)'],
    ],
    primaryKey: ['r_regionkey'],
  },
  nation: {
    columns: [
      ['n_nationkey', 'integer'],
      ['n_name', 'char(25)'],
      ['n_regionkey', 'integer'],
      ['n_comment', 'varchar(152)'],
    ],
    primaryKey: ['n_nationkey'],
  },
  supplier: {
    columns: [
      ['s_suppkey', 'integer'],
      ['s_name', 'char(25)'],
      ['s_address', 'varchar(40)'],
      ['s_nationkey', 'integer'],
      ['s_phone', 'char(15)'],
      ['s_acctbal', MONEY],
      ['s_comment', 'varchar(101)'],
    ],
    primaryKey: ['s_suppkey'],
    distributionKey: 's_suppkey',
  },
  customer: {
    columns: [
      ['c_custkey', 'integer'],
      ['c_name', 'varchar(25)'],
      ['c_address', 'varchar(40)'],
      ['c_nationkey', 'integer'],
      ['c_phone', 'char(15)'],
      ['c_acctbal', MONEY],
      ['c_mktsegment', 'char(10)'],
      ['c_comment', 'varchar(117)'],
    ],
    primaryKey: ['c_custkey'],
    distributionKey: 'c_custkey',
  },
  part: {
    columns: [
      ['p_partkey', 'integer'],
      ['p_name', 'varchar(55)'],
      ['p_mfgr', 'char(25)'],
      ['p_brand', 'char(10)'],
      ['p_type', 'varchar(25)'],
      ['p_size', 'integer'],
      ['p_container', 'char(10)'],
      ['p_retailprice', MONEY],
      ['p_comment', 'varchar(23)'],
    ],
    primaryKey: ['p_partkey'],
    distributionKey: 'p_partkey',
  },
  partsupp: {
    columns: [
      ['ps_partkey', 'integer'],
      ['ps_suppkey', 'integer'],
      ['ps_availqty', 'integer'],
      ['ps_supplycost', MONEY],
      ['ps_comment', 'varchar(199)'],
    ],
    primaryKey: ['ps_partkey', 'ps_suppkey'],
    distributionKey: 'ps_partkey',
  },
  orders: {
    columns: [
      ['o_orderkey', 'bigint'],
      ['o_custkey', 'integer'],
      ['o_orderstatus', 'char(1)'],
      ['o_totalprice', MONEY],
      ['o_orderdate', 'date'],
      ['o_orderpriority', 'char(15)'],
      ['o_clerk', 'char(15)'],
      ['o_shippriority', 'integer'],
      ['o_comment', 'varchar(79)'],
    ],
    primaryKey: ['o_orderkey'],
    distributionKey: 'o_orderkey',
  },
  lineitem: {
    columns: [
      ['l_orderkey', 'bigint'],
      ['l_partkey', 'integer'],
      ['l_suppkey', 'integer'],
      ['l_linenumber', 'integer'],
      ['l_quantity', MONEY],
      ['l_extendedprice', MONEY],
      ['l_discount', MONEY],
      ['l_tax', MONEY],
      ['l_returnflag', 'char(1)'],
      ['l_linestatus', 'char(1)'],
      ['l_shipdate', 'date'],
      ['l_commitdate', 'date'],
      ['l_receiptdate', 'date'],
      ['l_shipinstruct', 'char(25)'],
      ['l_shipmode', 'char(10)'],
      ['l_comment', 'varchar(44)'],
    ],
    primaryKey: ['l_orderkey', 'l_linenumber'],
    distributionKey: 'l_orderkey',
  },
};

/** One statement, without a semicolon. */
export function createTable(table: TpchTable, options: SchemaOptions = {}): string {
  const { columns, primaryKey } = TPCH_SCHEMA[table];
  const widest = Math.max(...columns.map(([name]) => name.length));
  const lines = columns.map(([name, type]) => `  ${name.padEnd(widest)} ${type} NOT NULL`);
  if (options.primaryKeys ?? true) lines.push(`  PRIMARY KEY (${primaryKey.join(', ')})`);
  return `CREATE TABLE ${table} (\n${lines.join(',\n')}\n)${distributed(table, options.distribution ?? 'key')}`;
}

/** All eight, in the order of `TPCH_TABLES`. */
export function createTables(options: SchemaOptions = {}): readonly string[] {
  return TPCH_TABLES.map((table) => createTable(table, options));
}

function distributed(table: TpchTable, distribution: TpchDistribution): string {
  switch (distribution) {
    case 'none':
      return '';
    case 'random':
      return '\nDISTRIBUTED RANDOMLY';
    case 'key': {
      const key = TPCH_SCHEMA[table].distributionKey;
      return key === undefined ? '\nDISTRIBUTED REPLICATED' : `\nDISTRIBUTED BY (${key})`;
    }
  }
}

/** A fixed catalog of TPC-H at scale factor 1 with the statistics ANALYZE finds there (rounded), for plan goldens. */

import { TPCH_TABLES, type TpchTable } from '../../bench/tpch/scale.js';
import { TPCH_SCHEMA } from '../../bench/tpch/schema.js';
import type { Catalog, ColumnStats, Relation, TableDef } from '../../src/plan/catalog.js';
import type { StorageId } from '../../src/types/ids.js';
import type { SqlType } from '../../src/types/sql-type.js';
import type { Value } from '../../src/types/value.js';

const ROWS: Record<TpchTable, number> = {
  region: 5,
  nation: 25,
  supplier: 10_000,
  customer: 150_000,
  part: 200_000,
  partsupp: 800_000,
  orders: 1_500_000,
  lineitem: 6_001_215,
};

function typeFrom(text: string): SqlType {
  const m = /^(\w+)(?:\((\d+)(?:,(\d+))?\))?$/.exec(text);
  if (m === null) throw new Error(text);
  const n = m[2] === undefined ? undefined : Number(m[2]);
  switch (m[1]) {
    case 'integer':
      return { kind: 'int4' };
    case 'bigint':
      return { kind: 'int8' };
    case 'date':
      return { kind: 'date' };
    case 'numeric':
      return { kind: 'numeric', precision: n ?? 15, scale: Number(m[3] ?? 0) };
    case 'char':
      return { kind: 'bpchar', length: n ?? 1 };
    case 'varchar':
      return { kind: 'varchar', length: n ?? 1 };
    default:
      throw new Error(text);
  }
}

function day(text: string): number {
  return Date.parse(`${text}T00:00:00Z`) / 86_400_000;
}

type Rough = { range?: [number, number]; distinct?: number; values?: readonly Value[] };

const dates = (from: string, to: string, distinct: number): Rough => ({
  range: [day(from), day(to)],
  distinct,
});
const keys = (n: number, max = n): Rough => ({ range: [1, max], distinct: n });

const NATIONS = [
  'ALGERIA',
  'ARGENTINA',
  'BRAZIL',
  'CANADA',
  'EGYPT',
  'ETHIOPIA',
  'FRANCE',
  'GERMANY',
  'INDIA',
  'INDONESIA',
  'IRAN',
  'IRAQ',
  'JAPAN',
  'JORDAN',
  'KENYA',
  'MOROCCO',
  'MOZAMBIQUE',
  'PERU',
  'CHINA',
  'ROMANIA',
  'SAUDI ARABIA',
  'VIETNAM',
  'RUSSIA',
  'UNITED KINGDOM',
  'UNITED STATES',
];
const padded = (n: number, values: readonly string[]): readonly string[] => values.map((v) => v.padEnd(n));
const TYPES = ['STANDARD', 'SMALL', 'MEDIUM', 'LARGE', 'ECONOMY', 'PROMO'].flatMap((a) =>
  ['ANODIZED', 'BURNISHED', 'PLATED', 'POLISHED', 'BRUSHED'].flatMap((b) =>
    ['TIN', 'NICKEL', 'BRASS', 'STEEL', 'COPPER'].map((c) => `${a} ${b} ${c}`),
  ),
);
const CONTAINERS = ['SM', 'LG', 'MED', 'JUMBO', 'WRAP'].flatMap((a) =>
  ['CASE', 'BOX', 'BAG', 'JAR', 'PKG', 'PACK', 'CAN', 'DRUM'].map((b) => `${a} ${b}`),
);
const BRANDS = [1, 2, 3, 4, 5].flatMap((a) => [1, 2, 3, 4, 5].map((b) => `Brand#${a}${b}`));

const COLUMNS: Record<string, Rough> = {
  r_regionkey: { range: [0, 4], distinct: 5 },
  r_name: { values: padded(25, ['AFRICA', 'AMERICA', 'ASIA', 'EUROPE', 'MIDDLE EAST']) },
  n_nationkey: { range: [0, 24], distinct: 25 },
  n_name: { values: padded(25, NATIONS) },
  n_regionkey: { range: [0, 4], distinct: 5 },
  s_suppkey: keys(10_000),
  s_name: { distinct: 10_000 },
  s_address: { distinct: 10_000 },
  s_phone: { distinct: 10_000 },
  s_nationkey: { range: [0, 24], distinct: 25 },
  s_acctbal: { range: [-99_822, 999_972], distinct: 9955 },
  s_comment: { distinct: 10_000 },
  c_custkey: keys(150_000),
  c_name: { distinct: 150_000 },
  c_address: { distinct: 150_000 },
  c_nationkey: { range: [0, 24], distinct: 25 },
  c_phone: { distinct: 150_000 },
  c_acctbal: { range: [-99_999, 999_999], distinct: 140_187 },
  c_mktsegment: { values: padded(10, ['AUTOMOBILE', 'BUILDING', 'FURNITURE', 'HOUSEHOLD', 'MACHINERY']) },
  c_comment: { distinct: 149_968 },
  p_partkey: keys(200_000),
  p_name: { distinct: 199_997 },
  p_mfgr: { distinct: 5 },
  p_brand: { values: padded(10, BRANDS) },
  p_type: { values: TYPES },
  p_size: { range: [1, 50], distinct: 50 },
  p_container: { values: padded(10, CONTAINERS) },
  p_retailprice: { range: [90_100, 209_899], distinct: 20_899 },
  p_comment: { distinct: 131_753 },
  ps_partkey: keys(200_000),
  ps_suppkey: keys(10_000),
  ps_availqty: { range: [1, 9999], distinct: 9999 },
  ps_supplycost: { range: [100, 100_000], distinct: 99_865 },
  ps_comment: { distinct: 799_124 },
  o_orderkey: keys(1_500_000, 6_000_000),
  o_custkey: keys(99_996, 149_999),
  o_orderstatus: { values: ['F', 'O', 'P'] },
  o_totalprice: { range: [85_771, 55_528_516], distinct: 1_464_556 },
  o_orderdate: dates('1992-01-01', '1998-08-02', 2406),
  o_orderpriority: { values: padded(15, ['1-URGENT', '2-HIGH', '3-MEDIUM', '4-NOT SPECIFIED', '5-LOW']) },
  o_clerk: { distinct: 1000 },
  o_shippriority: { range: [0, 0], distinct: 1 },
  o_comment: { distinct: 1_482_071 },
  l_orderkey: keys(1_500_000, 6_000_000),
  l_partkey: keys(200_000),
  l_suppkey: keys(10_000),
  l_linenumber: { range: [1, 7], distinct: 7 },
  l_quantity: { range: [100, 5000], distinct: 50 },
  l_extendedprice: { range: [90_100, 10_494_950], distinct: 933_900 },
  l_discount: { range: [0, 10], distinct: 11 },
  l_tax: { range: [0, 8], distinct: 9 },
  l_returnflag: { values: ['A', 'N', 'R'] },
  l_linestatus: { values: ['F', 'O'] },
  l_shipdate: dates('1992-01-02', '1998-12-01', 2526),
  l_commitdate: dates('1992-01-31', '1998-10-31', 2466),
  l_receiptdate: dates('1992-01-04', '1998-12-31', 2554),
  l_shipinstruct: { values: padded(25, ['COLLECT COD', 'DELIVER IN PERSON', 'NONE', 'TAKE BACK RETURN']) },
  l_shipmode: { values: padded(10, ['AIR', 'FOB', 'MAIL', 'RAIL', 'REG AIR', 'SHIP', 'TRUCK']) },
  l_comment: { distinct: 4_580_667 },
};

function statsOf(name: string, type: SqlType): ColumnStats {
  const rough = COLUMNS[name] ?? {};
  const { values, range } = rough;
  return {
    noNulls: true,
    nullFraction: 0,
    ...(range === undefined ? {} : { range: { min: BigInt(range[0]), max: BigInt(range[1]) } }),
    ...(values === undefined
      ? { distinct: rough.distinct ?? 1000 }
      : {
          distinct: values.length,
          mostCommon: values.map((value) => ({ value, fraction: 1 / values.length })),
        }),
    ...(type.kind === 'varchar' ? { averageBytes: Math.round((type.length ?? 20) * 0.6) } : {}),
    ...(type.kind === 'bpchar' ? { averageBytes: type.length ?? 1 } : {}),
  };
}

export function tpchTable(name: TpchTable, distribution: 'key' | 'random', analyzed = true): TableDef {
  const def = TPCH_SCHEMA[name];
  const columns = def.columns.map(([column, type]) => ({
    name: column,
    type: typeFrom(type),
    notNull: true,
  }));
  const ordinal = (column: string): number => columns.findIndex((c) => c.name === column);
  const index = TPCH_TABLES.indexOf(name);
  return {
    kind: 'table',
    oid: 16_384 + index,
    schema: 'public',
    name,
    columns,
    primaryKey: def.primaryKey.map(ordinal),
    distribution:
      distribution === 'random'
        ? { kind: 'random' }
        : def.distributionKey === undefined
          ? { kind: 'replicated' }
          : { kind: 'hash', columns: [ordinal(def.distributionKey)] },
    storageId: (index + 1) as StorageId,
    stats: {
      rows: ROWS[name],
      analyzed,
      version: 1,
      columns: analyzed ? columns.map((c) => statsOf(c.name, c.type)) : columns.map(() => ({})),
    },
  };
}

export function catalogOf(relations: readonly Relation[], segmentCount: number): Catalog {
  const byName = new Map(relations.map((r) => [r.name, r]));
  return {
    relation: (_schema, name) => byName.get(name),
    hasSchema: () => true,
    searchPath: ['public'],
    segmentCount,
  };
}

export function tpchCatalog(distribution: 'key' | 'random', segmentCount: number, analyzed = true): Catalog {
  return catalogOf(
    TPCH_TABLES.map((t) => tpchTable(t, distribution, analyzed)),
    segmentCount,
  );
}

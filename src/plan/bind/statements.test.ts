import { beforeAll, describe, expect, it } from 'vitest';
import { SqlError } from '../../types/sql-error.js';
import { printExpr } from '../expr-print.js';
import { printLogical } from '../logical/print.js';
import { verifyLogical } from '../logical/verify.js';
import { loadParser, parseSql } from '../sql/parse.js';
import { bindStatement } from './bind.js';
import { FakeCatalog, TEST_FUNCTIONS, tpchCatalog } from './fake-catalog.js';
import type { BoundStatement } from './statement.js';

let catalog: FakeCatalog;

beforeAll(async () => {
  await loadParser();
  catalog = tpchCatalog();
});

function bind<K extends BoundStatement['kind']>(sql: string, kind: K): Extract<BoundStatement, { kind: K }> {
  const s = catalog.bind(sql);
  if (s.kind !== kind) throw new Error(`${sql} is bound as ${s.kind}`);
  return s as Extract<BoundStatement, { kind: K }>;
}

function codeOf(sql: string): string {
  try {
    catalog.bind(sql);
  } catch (e) {
    if (e instanceof SqlError)
      return `${e.code} ${e.message}${e.position === undefined ? '' : ` @${e.position}`}`;
    throw e;
  }
  return 'no error';
}

describe('CREATE TABLE', () => {
  const table = (sql: string) => bind(sql, 'createTable').table;

  it('takes every type of the language', () => {
    const t = table(
      'create table t (a boolean, b smallint, c integer, d bigint, e numeric(10,2), f numeric, g real, h double precision, ' +
        'i text, j varchar(10), k char(5), l date, m timestamp, n timestamptz, o time, p interval, q varchar, r char, ' +
        's decimal(5), u timestamp(6), v float(20), w int8)',
    );
    expect(t.columns.map((c) => c.type)).toEqual([
      { kind: 'bool' },
      { kind: 'int2' },
      { kind: 'int4' },
      { kind: 'int8' },
      { kind: 'numeric', precision: 10, scale: 2 },
      { kind: 'numeric' },
      { kind: 'float4' },
      { kind: 'float8' },
      { kind: 'text' },
      { kind: 'varchar', length: 10 },
      { kind: 'bpchar', length: 5 },
      { kind: 'date' },
      { kind: 'timestamp' },
      { kind: 'timestamptz' },
      { kind: 'time' },
      { kind: 'interval' },
      { kind: 'varchar' },
      { kind: 'bpchar', length: 1 },
      { kind: 'numeric', precision: 5, scale: 0 },
      { kind: 'timestamp', precision: 6 },
      { kind: 'float4' },
      { kind: 'int8' },
    ]);
    expect(t.distribution).toEqual({ kind: 'hash', columns: [0] });
  });

  it('distributes by the clause, else the primary key, else the first column', () => {
    expect(table('create table t (a int, b int) distributed by (b, a)').distribution).toEqual({
      kind: 'hash',
      columns: [1, 0],
    });
    expect(table('create table t (a int, b int) distributed randomly').distribution).toEqual({
      kind: 'random',
    });
    expect(table('create table t (a int, b int) distributed replicated').distribution).toEqual({
      kind: 'replicated',
    });
    const keyed = table('create table t (a int, b int, primary key (b))');
    expect(keyed.distribution).toEqual({ kind: 'hash', columns: [1] });
    expect(keyed.primaryKey).toEqual([1]);
    expect(keyed.columns.map((c) => c.notNull)).toEqual([false, true]);
    expect(table('create table t ()').distribution).toEqual({ kind: 'random' });
    expect(codeOf('create table t (a int) distributed by (é)')).toBe(
      '42703 column "é" named in DISTRIBUTED BY clause does not exist @24',
    );
    expect(codeOf('create table t (a int) distributed by (a, a)')).toBe(
      '42701 duplicate column "a" in DISTRIBUTED BY clause @24',
    );
  });

  it('keeps defaults as expressions and as text', () => {
    const t = table(
      "create table t (a int default 1 + 1 not null, b varchar(3) default 'x', c timestamptz default now(), " +
        'd numeric(5,2) default (2.5), e date default current_date, f int default null)',
    );
    const print = { column: String, subquery: () => '' };
    expect(t.columns.map((c) => c.defaultExpr && printExpr(c.defaultExpr, print))).toEqual([
      '2',
      "'x'",
      'now()',
      '2.50',
      'current_date()',
      'NULL',
    ]);
    expect(t.columns.map((c) => c.defaultSql)).toEqual([
      '1 + 1',
      "'x'",
      'now()',
      '(2.5)',
      'current_date',
      'null',
    ]);
    expect(t.columns[0].notNull).toBe(true);
  });

  it('copies columns with LIKE', () => {
    const own = new FakeCatalog();
    own.run('create table s (a int not null default 3, b text)');
    const like = (sql: string) => {
      const t = own.bind(sql);
      if (t.kind !== 'createTable') throw new Error(t.kind);
      return t.table.columns.map((c) => `${c.name} ${c.type.kind} ${c.notNull} ${c.defaultSql}`);
    };
    expect(like('create table t (like s, c date)')).toEqual([
      'a int4 true undefined',
      'b text false undefined',
      'c date false undefined',
    ]);
    expect(like('create table t (like s including all)')).toEqual([
      'a int4 true 3',
      'b text false undefined',
    ]);
  });

  it('says what it does not enforce', () => {
    const s = bind(
      'create table t (a int primary key, b int unique, c int references nation)',
      'createTable',
    );
    expect(s.notices.map((n) => `${n.severity} ${n.message}`)).toEqual([
      'NOTICE PRIMARY KEY (a) of table "t" is accepted but not enforced',
      'NOTICE UNIQUE (b) of table "t" is accepted but not enforced',
      'WARNING referential integrity (FOREIGN KEY) constraints are accepted but not enforced',
    ]);
  });

  it('reads WITH queries more than once where each reading gives the same rows', () => {
    for (const sql of [
      'with r as (select n_name, sum(n_nationkey) s from nation group by 1) select * from r a, r b',
      'with r as (select n_name from nation order by n_name limit 5) select * from r a, r b',
      "with r as (select string_agg(n_name, ',' order by n_name) s from nation) select * from r a, r b",
      'with r as (select n_name from nation limit 5) select * from r',
    ])
      expect(() => bind(sql, 'query')).not.toThrow();
  });

  it('computes calls of constants, but leaves to the workers what may take long', () => {
    const kindOf = (sql: string): string => {
      const { plan } = bind(`select ${sql}`, 'query');
      return plan.kind === 'project' ? plan.exprs[0].kind : plan.kind;
    };
    for (const sql of ['1 + 2', "'a' || 'b'", "upper('x')", "'1.5'::numeric * 2", "length('abc')"])
      expect(`${sql}: ${kindOf(sql)}`).toBe(`${sql}: const`);
    for (const sql of [
      "'aab' ~ '^(a+)+$'",
      "regexp_replace('a', 'b', 'c')",
      "'a' similar to 'b'",
      "repeat('a', 1000000000)",
      "lpad('a', 1000000000)",
      "replace('a', 'a', 'b')",
      'factorial(32000)',
      '9.9::numeric ^ 9999',
      "'1e100000'::numeric * '1e10000'::numeric",
    ])
      expect(`${sql}: ${kindOf(sql)}`).toBe(`${sql}: call`);
  });

  it('names what is not supported, at its place', () => {
    const cases = [
      ['create temp table t (a int)', '0A000 temporary tables is not supported yet @19'],
      ['create table t (a serial)', '0A000 type serial is not supported yet @19'],
      [
        'create table t (a int primary key deferrable)',
        '0A000 DEFERRABLE constraints is not supported yet @35',
      ],
      [
        'create table t (a int, primary key (a) deferrable)',
        '0A000 DEFERRABLE constraints is not supported yet @24',
      ],
      [
        'create table t (a int, b int, unique (a) include (b))',
        '0A000 INCLUDE columns is not supported yet @31',
      ],
      [
        'create table t (a int unique nulls not distinct)',
        '0A000 NULLS NOT DISTINCT is not supported yet @23',
      ],
      [
        'create table t (a int primary key with (fillfactor = 70))',
        '0A000 storage parameters is not supported yet @23',
      ],
      [
        'create table t (a int unique using index tablespace x)',
        '0A000 tablespaces is not supported yet @23',
      ],
      ['create table t (a text compression pglz)', '0A000 COMPRESSION is not supported yet @17'],
      [
        'create table t with (fillfactor = 70) as select 1',
        '0A000 storage parameters is not supported yet @14',
      ],
      ['create table t tablespace x as select 1', '0A000 tablespaces is not supported yet @14'],
      [
        'create table t (a int generated always as identity)',
        '0A000 identity columns is not supported yet @23',
      ],
      [
        'create table t (a int, b int generated always as (a) stored)',
        '0A000 generated columns is not supported yet @30',
      ],
      ['create table t (a int check (a > 1))', '0A000 CHECK constraints is not supported yet @23'],
      ['create table t (a int) partition by range (a)', '0A000 partitioned tables is not supported yet @24'],
      ['create table t (a json)', '0A000 type json is not supported yet @19'],
      ['create table t (a int[])', '0A000 a column of type integer[] is not supported yet @19'],
      ['create index i on nation (n_name)', '0A000 CREATE INDEX is not supported yet @1'],
      ['  update nation set n_name = 1', '0A000 UPDATE is not supported yet @3'],
      [
        'merge into nation using region on true when matched then do nothing',
        '0A000 MERGE is not supported yet @1',
      ],
      ['insert into nation values (1) returning n_name', '0A000 RETURNING is not supported yet @41'],
      ['insert into nation values (1) on conflict do nothing', '0A000 ON CONFLICT is not supported yet @31'],
      ['with recursive a as (select 1) select 1', '0A000 WITH RECURSIVE is not supported yet @1'],
      ['select rank() over (order by 1)', '0A000 window functions is not supported yet @8'],
      ['listen c', '0A000 LISTEN is not supported yet @1'],
      [
        'create function f() returns int as $$ select 1 $$ language sql',
        '0A000 CREATE FUNCTION is not supported yet @1',
      ],
      ['alter table nation add column x int', '0A000 ALTER TABLE is not supported yet @1'],
      ['select * from nation for update', '0A000 FOR UPDATE is not supported yet'],
      ['select * from nation tablesample system (1)', '0A000 TABLESAMPLE is not supported yet @34'],
      ['select nation from nation', '0A000 a whole-row reference is not supported yet @8'],
      ['drop index i', '0A000 DROP INDEX is not supported yet @1'],
      ['copy nation from program $$x$$', '0A000 COPY with PROGRAM is not supported yet'],
    ];
    expect(cases.map(([sql]) => codeOf(sql))).toEqual(cases.map(([, e]) => e));
    const [, second] = parseSql('select 1; delete from nation');
    expect(() => bindStatement(second, catalog, { paramTypes: [], functions: TEST_FUNCTIONS })).toThrow(
      expect.objectContaining({ message: 'DELETE is not supported yet', position: 11 }),
    );
  });
});

describe('CREATE TABLE AS', () => {
  it('declares what PostgreSQL would', () => {
    const s = bind(
      'create table t as select l_extendedprice * (1 - l_discount) as revenue, l_quantity, 1 as one, l_shipmode, ' +
        "l_comment || 'x' as c, 'lit' as d from lineitem distributed by (revenue)",
      'createTableAs',
    );
    expect(s.table.columns.map((c) => `${c.name} ${JSON.stringify(c.type)}`)).toEqual([
      'revenue {"kind":"numeric"}',
      'l_quantity {"kind":"numeric","precision":15,"scale":2}',
      'one {"kind":"int4"}',
      'l_shipmode {"kind":"bpchar","length":10}',
      'c {"kind":"text"}',
      'd {"kind":"text"}',
    ]);
    expect(s.table.distribution).toEqual({ kind: 'hash', columns: [0] });
    verifyLogical(s.source);
    expect(s.source.cols.map((c) => c.type)).toEqual(s.table.columns.map((c) => c.type));
    expect(s.withData).toBe(true);
  });

  it('takes names, WITH NO DATA and SELECT INTO', () => {
    expect(
      bind('create table t (x) as select 1, 2 as y', 'createTableAs').table.columns.map((c) => c.name),
    ).toEqual(['x', 'y']);
    expect(bind('create table t as select 1 as a with no data', 'createTableAs').withData).toBe(false);
    expect(bind('select n_name into t from nation', 'createTableAs').selectInto).toBe(true);
  });
});

describe('INSERT', () => {
  const own = (): FakeCatalog => {
    const c = new FakeCatalog();
    c.run('create table t (a int not null default 7, b varchar(3), c numeric(6,2) default 1, d date)');
    return c;
  };
  const source = (sql: string): string => {
    const s = own().bind(sql);
    if (s.kind !== 'insert') throw new Error(s.kind);
    verifyLogical(s.source);
    expect(s.source.cols.map((c) => c.type)).toEqual(s.table.columns.map((c) => c.type));
    return printLogical(s.source);
  };

  it('puts values in table order, with defaults and casts', () => {
    expect(source("insert into t (c, a) values (1.005, '5'), (default, default)")).toBe(
      'Values [a#1 integer!, b#2 character varying(3), c#3 numeric(6,2)!, d#4 date] (5, NULL, 1.01, NULL), (7, NULL, 1.00, NULL)',
    );
    expect(source('insert into t default values')).toBe(
      'Values [a#1 integer!, b#2 character varying(3), c#3 numeric(6,2)!, d#4 date] (7, NULL, 1.00, NULL)',
    );
    expect(source("insert into t values (1, 'abc   ', 2, '2020-01-01')")).toContain(
      "(1, 'abc', 2.00, '2020-01-01'::date)",
    );
  });

  it('casts the columns of a query', () => {
    expect(
      source(
        "insert into t (d, b, a) select '2020-01-01', x::text, y from (values ('q', 2::bigint)) v(x, y)",
      ),
    ).toBe(
      [
        'Project a#4 integer! = column2#2::integer, b#5 character varying(3)! = column1#1::character varying(3), c#6 numeric(6,2)! = 1.00, d#7 date! = ?column?#3',
        "  Project ?column?#3 date! = '2020-01-01'::date, column1#1, column2#2",
        "    Values [column1#1 text!, column2#2 bigint!] ('q', 2)",
      ].join('\n'),
    );
  });

  it('binds a query with CTEs', () => {
    expect(source('with q as (select 1 as x) insert into t (a) select x from q')).toContain('Values');
  });

  it('types parameters by their columns', () => {
    const s = own().bind('insert into t values ($1, $2, $3, $4)');
    expect(s.paramTypes.map((t) => t.kind)).toEqual(['int4', 'varchar', 'numeric', 'date']);
  });
});

describe('parameters', () => {
  const types = (sql: string): string =>
    catalog
      .bind(sql)
      .paramTypes.map((t) => t.kind)
      .join(' ');

  it('take their types from the context', () => {
    expect(types('select $1')).toBe('text');
    expect(types('select $1 + 1')).toBe('int4');
    expect(types('select * from nation where n_nationkey = $1 and n_name like $2')).toBe('int4 text');
    expect(types('select * from lineitem where l_shipdate between $1 and $2 limit $3')).toBe(
      'date date int8',
    );
    expect(types("select $1::date + interval '1 day'")).toBe('date');
    expect(types('select coalesce($1, n_nationkey), case when $2 then 1 end from nation')).toBe('int4 bool');
    expect(types('select n_nationkey in ($1, $2), n_name = any ($3) from nation')).toBe('int4 int4 array');
    expect(types('select $1 union select 1')).toBe('int4');
    expect(types('select upper($1), substring($2 from $3)')).toMatch(/^text text/);
    expect(
      catalog.bind('select $2::int, $1', { paramTypes: [{ kind: 'date' }] }).paramTypes.map((t) => t.kind),
    ).toEqual(['date', 'int4']);
  });

  it('are refused when nothing decides or two places disagree', () => {
    expect(codeOf('select $1 is null, $2::int')).toBe('no error');
    expect(codeOf('select $2::int')).toBe('42P18 could not determine data type of parameter $1');
    expect(codeOf('select $1::int, $1::date')).toBe('42846 cannot cast type integer to date @19');
  });
});

describe('views', () => {
  it('are stored with their schemas written out and bound anew', () => {
    const c = tpchCatalog();
    c.run(
      'create schema s; create view s.v (key, "Name") as select n_nationkey, /* é */ n_name from nation n join region on n_regionkey = r_regionkey;',
    );
    const v = c.relation('s', 'v');
    if (v?.kind !== 'view') throw new Error('no view');
    expect(v.sql).toBe(
      'select n_nationkey, /* é */ n_name from public.nation n join public.region on n_regionkey = r_regionkey',
    );
    const s = c.bind('select "Name", x.key from s.v x where s > 0'.replace(' where s > 0', ''));
    if (s.kind !== 'query') throw new Error(s.kind);
    verifyLogical(s.plan);
    expect(s.output.map((o) => o.name)).toEqual(['Name', 'key']);
    c.run('create view w as with q as (select key from s.v) select * from q, (select key as k2 from s.v) z');
    const w = c.bind('select count(*) from w');
    if (w.kind === 'query') verifyLogical(w.plan);
  });
});

describe('utility statements', () => {
  const model = (sql: string) => {
    const { paramTypes: _p, notices: _n, accesses: _a, ...rest } = catalog.bind(sql);
    return rest;
  };

  it('are modelled', () => {
    expect(model("set a.b to 'x', 2")).toEqual({
      kind: 'set',
      name: 'a.b',
      values: ['x', '2'],
      local: false,
    });
    expect(model('set local statement_timeout = 5')).toEqual({
      kind: 'set',
      name: 'statement_timeout',
      values: ['5'],
      local: true,
    });
    expect(model('set x to default')).toEqual({ kind: 'set', name: 'x', values: undefined, local: false });
    expect(model("set time zone 'UTC'")).toEqual({
      kind: 'set',
      name: 'timezone',
      values: ['UTC'],
      local: false,
    });
    expect(model('reset all')).toEqual({ kind: 'reset', name: undefined });
    expect(model('show all')).toEqual({ kind: 'show', name: undefined });
    expect(model('show search_path')).toEqual({ kind: 'show', name: 'search_path' });
    expect(model('discard all')).toEqual({ kind: 'discard', what: 'all' });
    expect(model('begin isolation level repeatable read read only')).toEqual({
      kind: 'transaction',
      verb: 'begin',
      savepoint: undefined,
      modes: { isolation: 'repeatable read', readOnly: true },
      chain: false,
    });
    expect(model('rollback to savepoint x')).toMatchObject({
      kind: 'transaction',
      verb: 'rollbackTo',
      savepoint: 'x',
    });
    expect(model('drop table if exists a.b, c cascade')).toEqual({
      kind: 'drop',
      object: 'table',
      ifExists: true,
      cascade: true,
      names: [
        { schema: 'a', name: 'b', position: undefined },
        { schema: undefined, name: 'c', position: undefined },
      ],
    });
    expect(model('truncate nation, region')).toMatchObject({
      kind: 'truncate',
      tables: [{ name: 'nation' }, { name: 'region' }],
    });
    expect(model('analyze')).toEqual({ kind: 'analyze', tables: 'all', verbose: false });
    expect(model('vacuum analyze nation')).toMatchObject({ kind: 'vacuum', analyze: true });
    expect(model('create schema if not exists s')).toEqual({
      kind: 'createSchema',
      name: 's',
      ifNotExists: true,
    });
    expect(model('alter table nation rename to n')).toMatchObject({ kind: 'renameTable', to: 'n' });
    expect(model('deallocate all')).toEqual({ kind: 'deallocate', name: undefined });
    expect(model('explain (analyze, verbose, format json) select 1')).toMatchObject({
      kind: 'explain',
      options: { analyze: true, verbose: true, format: 'json', timing: true },
      statement: { kind: 'query' },
    });
  });

  it('COPY has its options resolved', () => {
    expect(model("copy nation from '/x.tbl' delimiter '|' null ''")).toMatchObject({
      kind: 'copyFrom',
      from: { kind: 'file', path: '/x.tbl' },
      columns: [0, 1, 2, 3],
      options: { format: 'text', delimiter: '|', nullString: '' },
    });
    expect(model('copy nation (n_name, n_nationkey) from stdin csv header')).toMatchObject({
      columns: [1, 0],
      from: { kind: 'stdin' },
      options: { format: 'csv', header: true, delimiter: ',' },
      defaults: [undefined, undefined, { kind: 'const', value: null }, { kind: 'const', value: null }],
    });
    expect(model('copy nation from stdin (header match)')).toMatchObject({
      options: { header: 'match' },
      where: undefined,
    });
    const { where } = bind('copy nation (n_name) from stdin where nation.n_nationkey > 1', 'copyFrom');
    expect(where?.cols.map((c) => c.name)).toEqual(['n_nationkey', 'n_name', 'n_regionkey', 'n_comment']);
    expect(where?.predicate).toMatchObject({ kind: 'cmp', op: '>', left: { id: where?.cols[0]?.id } });
    expect(model('copy (select 1 as a, 2 as b) to stdout (format csv, force_quote (b))')).toMatchObject({
      kind: 'copyTo',
      to: { kind: 'stdout' },
      query: { kind: 'query' },
      options: { forceQuote: [1] },
    });
    expect(model('copy nation (n_name) to stdout')).toMatchObject({
      query: { output: [{ name: 'n_name' }] },
    });
  });

  it('PREPARE has its own parameters', () => {
    const s = bind('prepare p (int) as select $1 + n_nationkey, $2 from nation', 'prepare');
    expect(s.paramTypes).toEqual([]);
    expect(s.statement.paramTypes.map((t) => t.kind)).toEqual(['int4', 'text']);
    expect(s.sql).toBe('select $1 + n_nationkey, $2 from nation');
    expect(bind("execute p (1, 'x')", 'execute').args).toHaveLength(2);
  });
});

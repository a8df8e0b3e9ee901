/** Random SQL over a few small tables, deterministic by seed: what an analyst could write, and much that none would.
 *
 *  Only exact types (no float sums, whose last digit depends on the order of addition), no overflow, no division by
 *  zero, so that every engine must return the same bag of rows; ORDER BY only together with all columns. */

export type Table = {
  readonly name: string;
  readonly columns: readonly {
    readonly name: string;
    readonly type: 'int' | 'num' | 'text' | 'date' | 'bool';
  }[];
};

export const TABLES: readonly Table[] = [
  {
    name: 'ta',
    columns: [
      { name: 'a1', type: 'int' },
      { name: 'a2', type: 'int' },
      { name: 'a3', type: 'num' },
      { name: 'a4', type: 'text' },
      { name: 'a5', type: 'date' },
    ],
  },
  {
    name: 'tb',
    columns: [
      { name: 'b1', type: 'int' },
      { name: 'b2', type: 'int' },
      { name: 'b3', type: 'text' },
      { name: 'b4', type: 'bool' },
    ],
  },
  {
    name: 'tc',
    columns: [
      { name: 'c1', type: 'int' },
      { name: 'c2', type: 'num' },
      { name: 'c3', type: 'text' },
    ],
  },
];

type Type = Table['columns'][number]['type'];

const NAN = `'NaN'::numeric(8,2)`;
const SQL_TYPE = { int: 'int', num: 'numeric(8,2)', text: 'text', date: 'date', bool: 'boolean' } as const;

/** mulberry32. */
export class Random {
  private s: number;

  constructor(seed: number) {
    this.s = seed >>> 0;
  }

  next(): number {
    this.s = (this.s + 0x6d2b79f5) | 0;
    let t = Math.imul(this.s ^ (this.s >>> 15), 1 | this.s);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }

  int(n: number): number {
    return Math.floor(this.next() * n);
  }

  pick<T>(a: readonly T[]): T {
    return a[this.int(a.length)]!;
  }

  chance(p: number): boolean {
    return this.next() < p;
  }
}

function literal(r: Random, type: Type): string {
  switch (type) {
    case 'int':
      return String(r.int(12) - 2);
    case 'num':
      return (r.int(2000) / 100 - 5).toFixed(r.int(3));
    case 'text':
      return `'${r.pick(['', 'a', 'ab', 'abc', 'b', 'ba', 'Z', 'é', 'x y'])}'`;
    case 'date':
      return `date '2024-0${1 + r.int(3)}-${10 + r.int(18)}'`;
    case 'bool':
      return r.pick(['true', 'false']);
  }
}

/** `nan`: some numbers are NaN. */
export function createStatements(r: Random, rowsMax = 40, nan = false): string[] {
  const out: string[] = [];
  const cell = (type: Type): string => {
    if (r.chance(0.12)) return 'NULL';
    return nan && type === 'num' && r.chance(0.2) ? NAN : literal(r, type);
  };
  for (const t of TABLES) {
    const number = t.columns.find((c) => c.type === 'num');
    const clause = r.pick([
      `DISTRIBUTED BY (${t.columns[0]!.name})`,
      'DISTRIBUTED RANDOMLY',
      'DISTRIBUTED REPLICATED',
      `DISTRIBUTED BY (${t.columns[1]!.name})`,
      ...(nan && number !== undefined ? [`DISTRIBUTED BY (${number.name})`] : []),
    ]);
    out.push(
      `DROP TABLE IF EXISTS ${t.name}`,
      `CREATE TABLE ${t.name} (${t.columns.map((c) => `${c.name} ${SQL_TYPE[c.type]}`).join(', ')}) ${clause}`,
    );
    const rows = Array.from(
      { length: r.int(rowsMax) },
      () => `(${t.columns.map((c) => cell(c.type)).join(', ')})`,
    );
    if (rows.length > 0) out.push(`INSERT INTO ${t.name} VALUES ${rows.join(', ')}`);
  }
  return out;
}

type Col = { readonly sql: string; readonly type: Type };

/** `anyFullJoin`: full joins on any condition. `withQueries`: WITH queries, mostly read several times. `nan`: some number
 *  literals are NaN. */
export type QueryOptions = {
  readonly anyFullJoin?: boolean;
  readonly withQueries?: boolean;
  readonly nan?: boolean;
};

class Generator {
  private aliases = 0;
  private readonly r: Random;
  private readonly options: QueryOptions;
  private tables: readonly Table[] = TABLES;
  /** WITH queries over WITH queries grow fast: few joins, on keys. */
  private narrow = false;

  constructor(r: Random, options: QueryOptions) {
    this.r = r;
    this.options = options;
  }

  query(): string {
    if (this.options.withQueries !== true) return this.plainQuery();
    this.narrow = true;
    if (!this.r.chance(0.3)) return this.queryWithQueries();
    return this.r.chance(0.5) ? this.consistencyQuery([]) : this.dependentQuery();
  }

  private queryWithQueries(): string {
    const ctes: string[] = [];
    for (let n = 1 + this.r.int(3); n > 0; n--) {
      const name = `w${ctes.length}`;
      const { sql } = this.select([], 1, undefined);
      const columns = sql.types.map((type, i) => ({ name: `${name}c${i}`, type }));
      const how = this.r.pick(['', '', 'MATERIALIZED ', 'NOT MATERIALIZED ']);
      ctes.push(`${name} (${columns.map((c) => c.name).join(', ')}) AS ${how}(${sql.text})`);
      const cte: Table = { name, columns };
      this.tables = [cte, cte, ...this.tables.filter((t) => this.r.chance(0.5) || t.name.startsWith('w'))];
    }
    return `WITH ${ctes.join(', ')} ${this.plainQuery()}`;
  }

  /** A WITH query for each row of a query around it, whose columns it reads. */
  private dependentQuery(): string {
    const { r } = this;
    const outer = this.from([], 0);
    const answer = this.consistencyQuery(outer.cols);
    const shown = r.pick(outer.cols).sql;
    switch (r.int(6)) {
      case 0:
        return `SELECT ${shown}, (${answer}) FROM ${outer.text}`;
      case 1:
        return `SELECT ${shown}, q.* FROM ${outer.text}, LATERAL (${answer}) AS q`;
      case 2:
        return `SELECT count(*) FROM ${outer.text} WHERE EXISTS (SELECT 1 FROM (${answer}) AS q(z) WHERE z IS NULL)`;
      case 3:
        return `SELECT ${shown}, count(*) FROM ${outer.text} GROUP BY 1, (${answer})`;
      case 4: {
        // One level more, whose WITH query is read by the inner one.
        const inner = this.consistencyQuery([...outer.cols, { sql: 'o.c0', type: 'text' }]);
        return `SELECT ${shown}, q.* FROM ${outer.text}, LATERAL (WITH o AS (SELECT ${shown}::text AS c0, random() AS y FROM tb LIMIT 2)
          SELECT (${inner}), (SELECT count(*) FROM o a WHERE y NOT IN (SELECT y FROM o)) FROM o) AS q`;
      }
      default:
        return `SELECT ${shown}, (SELECT string_agg(z::text, ',') FROM (${answer}) AS q(z)) FROM ${outer.text}`;
    }
  }

  /** The rows of `w` are anything, and yet the answer is known: all of its readers see the same. */
  private consistencyQuery(outer: readonly Col[]): string {
    const from = this.from(outer, 1);
    const where = this.r.chance(0.5) ? ` WHERE ${this.predicate(from.cols, outer, 1)}` : '';
    const read = outer.length > 0 ? [...from.cols, ...outer] : from.cols;
    const kept = Array.from(
      { length: 1 + this.r.int(3) },
      (_, i) => `${this.r.pick(read).sql} AS c${i}`,
    ).join(', ');
    const how = this.r.pick(['', '', 'MATERIALIZED ']);
    const w = this.r.pick([
      `SELECT ${kept}, random() AS x FROM ${from.text}${where}`,
      `SELECT ${kept}, random() AS x FROM ${from.text}${where} LIMIT ${1 + this.r.int(9)}`,
      `SELECT *, random() AS x FROM (SELECT ${kept} FROM ${from.text}${where} LIMIT ${this.r.int(9)}) q`,
      `SELECT count(*) AS c0, sum(random()) AS x FROM ${from.text}${where}`,
      `SELECT c0, random() AS x FROM (SELECT DISTINCT ON (c0) ${kept} FROM ${from.text}${where}) q`,
    ]);
    const answer = this.r.pick([
      'SELECT count(*) FROM ((SELECT * FROM w) EXCEPT ALL (SELECT * FROM w)) q',
      'SELECT (SELECT count(*) FROM w a JOIN w b USING (x)) = (SELECT count(x) FROM w)',
      'SELECT count(*) FROM w WHERE x IS NOT NULL AND x NOT IN (SELECT x FROM w WHERE x IS NOT NULL)',
      'SELECT (SELECT max(x) FROM w) IS NOT DISTINCT FROM (SELECT x FROM w ORDER BY x DESC NULLS LAST LIMIT 1)',
      'SELECT (SELECT count(*) FROM w WHERE x < 0.5) + (SELECT count(*) FROM w WHERE NOT x < 0.5) = (SELECT count(x) FROM w)',
      'SELECT count(*) FROM w a WHERE a.x IS NOT NULL AND NOT EXISTS (SELECT 1 FROM w b WHERE b.x = a.x)',
      'SELECT count(*) FROM w a LEFT JOIN w b ON a.x = b.x WHERE a.x IS NOT NULL AND b.x IS NULL',
      'SELECT (SELECT count(*) FROM (SELECT DISTINCT x FROM w) q) = (SELECT count(*) FROM (SELECT x FROM w UNION SELECT x FROM w) q)',
      'SELECT count(*) FROM ta, LATERAL (SELECT min(x) AS m FROM w WHERE w.x > ta.a1) q WHERE q.m NOT IN (SELECT x FROM w WHERE x IS NOT NULL)',
    ]);
    return `WITH w AS ${how}(${w}) ${answer}`;
  }

  private plainQuery(): string {
    const { sql, width } = this.select([], 2, undefined);
    if (this.r.chance(0.15)) {
      const other = this.select([], 1, sql.types);
      return `${sql.text} ${this.r.pick(['UNION', 'UNION ALL', 'INTERSECT', 'EXCEPT', 'INTERSECT ALL', 'EXCEPT ALL'])} ${other.sql.text}`;
    }
    if (this.r.chance(0.3)) {
      const keys = Array.from(
        { length: width },
        (_, i) => `${i + 1}${this.r.pick(['', ' DESC', ' NULLS FIRST', ' DESC NULLS LAST'])}`,
      ).join(', ');
      return `${sql.text} ORDER BY ${keys}${this.r.chance(0.5) ? ` LIMIT ${this.r.int(8)}` : ''}${this.r.chance(0.2) ? ` OFFSET ${this.r.int(3)}` : ''}`;
    }
    return sql.text;
  }

  private from(outer: readonly Col[], depth: number): { text: string; cols: Col[] } {
    const cols: Col[] = [];
    const item = (): { text: string; cols: Col[] } => {
      const alias = `q${this.aliases++}`;
      if (depth > 0 && this.r.chance(0.15)) {
        const { sql } = this.select([], depth - 1, undefined);
        const names = sql.types.map((_, i) => `x${i}`);
        return {
          text: `(${sql.text}) AS ${alias}(${names.join(', ')})`,
          cols: sql.types.map((type, i) => ({ sql: `${alias}.x${i}`, type })),
        };
      }
      const t = this.r.pick(this.tables);
      return {
        text: `${t.name} AS ${alias}`,
        cols: t.columns.map((c) => ({ sql: `${alias}.${c.name}`, type: c.type })),
      };
    };
    const first = item();
    cols.push(...first.cols);
    let text = first.text;
    for (let n = this.r.int(this.narrow ? 2 : 3); n > 0; n--) {
      const right = item();
      const all = [...cols, ...right.cols];
      const kind = this.r.pick(['JOIN', 'JOIN', 'LEFT JOIN', 'RIGHT JOIN', 'FULL JOIN', 'CROSS JOIN']);
      const key = (): string => {
        const l = this.r.pick(cols);
        const same = right.cols.filter((c) => c.type === l.type);
        return same.length === 0 ? 'true' : `${l.sql} = ${this.r.pick(same).sql}`;
      };
      if (this.narrow) {
        const k = key();
        if (k === 'true') continue;
        text += ` ${this.r.pick(['JOIN', 'LEFT JOIN', 'FULL JOIN'])} ${right.text} ON ${k}`;
      }
      // PostgreSQL takes full joins on equalities only.
      else if (kind === 'CROSS JOIN') text += ` CROSS JOIN ${right.text}`;
      else if (kind === 'FULL JOIN' && this.options.anyFullJoin !== true) {
        const k = key();
        text += k === 'true' ? ` CROSS JOIN ${right.text}` : ` FULL JOIN ${right.text} ON ${k}`;
      } else
        text += ` ${kind} ${right.text} ON ${this.r.chance(0.75) ? key() : this.predicate(all, outer, 0)}${this.r.chance(0.25) ? ` AND ${this.predicate(all, [], 0)}` : ''}`;
      cols.push(...right.cols);
    }
    return { text, cols };
  }

  private select(
    outer: readonly Col[],
    depth: number,
    types: readonly Col['type'][] | undefined,
  ): { sql: { text: string; types: Col['type'][] }; width: number } {
    const from = this.from(outer, depth);
    const where = this.r.chance(0.6) ? ` WHERE ${this.predicate(from.cols, outer, depth)}` : '';
    if (this.r.chance(0.35)) {
      const groups = Array.from({ length: this.r.int(3) }, () => this.r.pick(from.cols));
      const items: Col[] = [];
      const wanted =
        types ??
        Array.from({ length: 1 + this.r.int(3) }, () => this.r.pick(['int', 'num', 'text', 'date'] as const));
      for (const type of wanted) {
        const g = groups.find((c) => c.type === type);
        items.push(g && this.r.chance(0.5) ? g : this.aggregate(from.cols, type));
      }
      const by = groups.length > 0 ? ` GROUP BY ${groups.map((g) => g.sql).join(', ')}` : '';
      const having = this.r.chance(0.2)
        ? ` HAVING count(*) ${this.r.pick(['>', '<=', '<>'])} ${this.r.int(4)}`
        : '';
      return {
        sql: {
          text: `SELECT ${items.map((i, k) => `${i.sql} AS o${k}`).join(', ')} FROM ${from.text}${where}${by}${having}`,
          types: items.map((i) => i.type),
        },
        width: items.length,
      };
    }
    const wanted =
      types ??
      Array.from({ length: 1 + this.r.int(4) }, () =>
        this.r.pick(['int', 'num', 'text', 'date', 'bool'] as const),
      );
    const items = wanted.map((type) => this.expression(from.cols, outer, type, depth));
    return {
      sql: {
        text: `SELECT ${this.r.chance(0.2) ? 'DISTINCT ' : ''}${items.map((i, k) => `${i} AS o${k}`).join(', ')} FROM ${from.text}${where}`,
        types: [...wanted],
      },
      width: items.length,
    };
  }

  private literal(type: Type): string {
    if (this.options.nan === true && type === 'num' && this.r.chance(0.15)) return NAN;
    return literal(this.r, type);
  }

  private aggregate(cols: readonly Col[], type: Col['type']): Col {
    const same = cols.filter((c) => c.type === type);
    const filter = this.r.chance(0.2) ? ` FILTER (WHERE ${this.predicate(cols, [], 0)})` : '';
    const distinct = this.r.chance(0.25) ? 'DISTINCT ' : '';
    if (type === 'int')
      return {
        sql: `${same.length > 0 && this.r.chance(0.5) ? `${this.r.pick(['min', 'max'])}(${this.r.pick(same).sql})` : `count(${distinct}${this.r.pick(cols).sql})::int`.replace('::int', '')}${filter}`,
        type,
      };
    if (type === 'num') {
      const nums = cols.filter((c) => c.type === 'num' || c.type === 'int');
      const arg = nums.length > 0 ? `${this.r.pick(nums).sql}::numeric(12,2)` : '1.25';
      return { sql: `${this.r.pick(['sum', 'avg', 'min', 'max'])}(${distinct}${arg})${filter}`, type };
    }
    const arg = same.length > 0 ? this.r.pick(same).sql : this.literal(type);
    return {
      sql: `${this.r.pick(type === 'bool' ? ['bool_and', 'bool_or'] : ['min', 'max'])}(${arg})${filter}`,
      type,
    };
  }

  private expression(cols: readonly Col[], outer: readonly Col[], type: Col['type'], depth: number): string {
    const same = cols.filter((c) => c.type === type);
    const leaf = (): string =>
      same.length > 0 && this.r.chance(0.85) ? this.r.pick(same).sql : this.literal(type);
    switch (this.r.int(9)) {
      case 0:
        return `CASE WHEN ${this.predicate(cols, outer, 0)} THEN ${leaf()} ELSE ${leaf()} END`;
      case 1:
        return `coalesce(${leaf()}, ${leaf()})`;
      case 2:
        if (type === 'int' || type === 'num') return `(${leaf()} ${this.r.pick(['+', '-', '*'])} ${leaf()})`;
        if (type === 'date') return `(${leaf()} + ${this.r.int(9)})`;
        if (type === 'text') return `(${leaf()} || ${leaf()})`;
        return `(${this.predicate(cols, outer, 0)})`;
      case 3:
        if (depth > 0 && type !== 'bool') {
          const t = this.r.pick(this.tables);
          const alias = `q${this.aliases++}`;
          const inner = t.columns.map((c) => ({ sql: `${alias}.${c.name}`, type: c.type }));
          const agg = this.aggregate(inner, type);
          return `(SELECT ${agg.sql} FROM ${t.name} AS ${alias} WHERE ${this.predicate(inner, cols, 0)})`;
        }
        return leaf();
      case 4:
        if (type === 'text')
          return this.r.pick([`upper(${leaf()})`, `substring(${leaf()} from 1 for 2)`, `trim(${leaf()})`]);
        if (type === 'int') {
          const dates = cols.filter((c) => c.type === 'date');
          if (dates.length > 0) return `extract(month from ${this.r.pick(dates).sql})::int`;
        }
        return leaf();
      default:
        return leaf();
    }
  }

  private predicate(cols: readonly Col[], outer: readonly Col[], depth: number): string {
    const all = outer.length > 0 && this.r.chance(0.5) ? [...cols, ...outer] : cols;
    const c = this.r.pick(cols);
    const other = all.filter((x) => x.type === c.type);
    switch (this.r.int(depth > 0 ? 13 : 9)) {
      case 0:
        return `(${this.predicate(cols, outer, depth)} AND ${this.predicate(cols, outer, 0)})`;
      case 1:
        return `(${this.predicate(cols, outer, depth)} OR ${this.predicate(cols, outer, 0)})`;
      case 2:
        return `NOT ${this.predicate(cols, outer, 0)}`;
      case 3:
        return `${c.sql} IS ${this.r.chance(0.5) ? 'NOT ' : ''}NULL`;
      case 4:
        return `${c.sql} ${this.r.chance(0.3) ? 'NOT ' : ''}IN (${Array.from({ length: 1 + this.r.int(3) }, () => (this.r.chance(0.08) ? 'NULL' : this.literal(c.type))).join(', ')})`;
      case 5:
        if (c.type === 'text')
          return `${c.sql} ${this.r.chance(0.3) ? 'NOT ' : ''}LIKE ${this.r.pick(["'a%'", "'%b'", "'_b%'", "'%'", "'%a%b%'"])}`;
        if (c.type !== 'bool') return `${c.sql} BETWEEN ${this.literal(c.type)} AND ${this.literal(c.type)}`;
        return c.sql;
      case 6:
      case 7:
        return `${c.sql} ${this.r.pick(['=', '=', '<>', '<', '>=', 'IS NOT DISTINCT FROM'])} ${this.r.pick(other).sql}`;
      case 8:
        return `${c.sql} ${this.r.pick(['=', '<>', '<', '<=', '>', '>='])} ${this.literal(c.type)}`;
      default: {
        const t = this.r.pick(this.tables);
        const alias = `q${this.aliases++}`;
        const inner = t.columns.map((x) => ({ sql: `${alias}.${x.name}`, type: x.type }));
        const same = inner.filter((x) => x.type === c.type);
        const where = this.predicate(inner, cols, 0);
        if (same.length > 0 && this.r.chance(0.5)) {
          if (this.r.chance(0.3) && c.type !== 'bool')
            return `${c.sql} ${this.r.pick(['<', '>=', '='])} ${this.r.pick(['ANY', 'ALL'])} (SELECT ${this.r.pick(same).sql} FROM ${t.name} AS ${alias} WHERE ${where})`;
          return `${c.sql} ${this.r.chance(0.4) ? 'NOT ' : ''}IN (SELECT ${this.r.pick(same).sql} FROM ${t.name} AS ${alias} WHERE ${where})`;
        }
        return `${this.r.chance(0.4) ? 'NOT ' : ''}EXISTS (SELECT 1 FROM ${t.name} AS ${alias} WHERE ${where})`;
      }
    }
  }
}

/** Does the query say in which order its rows come? One in parentheses says so of its own only. */
export function isOrdered(sql: string): boolean {
  return /ORDER BY [^()]*$/.test(sql);
}

export function randomQuery(r: Random, options: QueryOptions = {}): string {
  return new Generator(r, options).query();
}

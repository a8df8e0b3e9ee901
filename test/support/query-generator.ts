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

function literal(r: Random, type: Table['columns'][number]['type']): string {
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

export function createStatements(r: Random, rowsMax = 40): string[] {
  const out: string[] = [];
  for (const t of TABLES) {
    const clause = r.pick([
      `DISTRIBUTED BY (${t.columns[0]!.name})`,
      'DISTRIBUTED RANDOMLY',
      'DISTRIBUTED REPLICATED',
      `DISTRIBUTED BY (${t.columns[1]!.name})`,
    ]);
    out.push(
      `DROP TABLE IF EXISTS ${t.name}`,
      `CREATE TABLE ${t.name} (${t.columns.map((c) => `${c.name} ${SQL_TYPE[c.type]}`).join(', ')}) ${clause}`,
    );
    const rows = Array.from(
      { length: r.int(rowsMax) },
      () => `(${t.columns.map((c) => (r.chance(0.12) ? 'NULL' : literal(r, c.type))).join(', ')})`,
    );
    if (rows.length > 0) out.push(`INSERT INTO ${t.name} VALUES ${rows.join(', ')}`);
  }
  return out;
}

type Col = { readonly sql: string; readonly type: Table['columns'][number]['type'] };

/** `anyFullJoin`: full joins on any condition. */
export type QueryOptions = { readonly anyFullJoin?: boolean };

class Generator {
  private aliases = 0;
  private readonly r: Random;
  private readonly options: QueryOptions;

  constructor(r: Random, options: QueryOptions) {
    this.r = r;
    this.options = options;
  }

  query(): string {
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
      const t = this.r.pick(TABLES);
      return {
        text: `${t.name} AS ${alias}`,
        cols: t.columns.map((c) => ({ sql: `${alias}.${c.name}`, type: c.type })),
      };
    };
    const first = item();
    cols.push(...first.cols);
    let text = first.text;
    for (let n = this.r.int(3); n > 0; n--) {
      const right = item();
      const all = [...cols, ...right.cols];
      const kind = this.r.pick(['JOIN', 'JOIN', 'LEFT JOIN', 'RIGHT JOIN', 'FULL JOIN', 'CROSS JOIN']);
      const key = (): string => {
        const l = this.r.pick(cols);
        const same = right.cols.filter((c) => c.type === l.type);
        return same.length === 0 ? 'true' : `${l.sql} = ${this.r.pick(same).sql}`;
      };
      // PostgreSQL takes full joins on equalities only.
      if (kind === 'CROSS JOIN') text += ` CROSS JOIN ${right.text}`;
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
    const arg = same.length > 0 ? this.r.pick(same).sql : literal(this.r, type);
    return {
      sql: `${this.r.pick(type === 'bool' ? ['bool_and', 'bool_or'] : ['min', 'max'])}(${arg})${filter}`,
      type,
    };
  }

  private expression(cols: readonly Col[], outer: readonly Col[], type: Col['type'], depth: number): string {
    const same = cols.filter((c) => c.type === type);
    const leaf = (): string =>
      same.length > 0 && this.r.chance(0.85) ? this.r.pick(same).sql : literal(this.r, type);
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
          const t = this.r.pick(TABLES);
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
        return `${c.sql} ${this.r.chance(0.3) ? 'NOT ' : ''}IN (${Array.from({ length: 1 + this.r.int(3) }, () => (this.r.chance(0.08) ? 'NULL' : literal(this.r, c.type))).join(', ')})`;
      case 5:
        if (c.type === 'text')
          return `${c.sql} ${this.r.chance(0.3) ? 'NOT ' : ''}LIKE ${this.r.pick(["'a%'", "'%b'", "'_b%'", "'%'", "'%a%b%'"])}`;
        if (c.type !== 'bool')
          return `${c.sql} BETWEEN ${literal(this.r, c.type)} AND ${literal(this.r, c.type)}`;
        return c.sql;
      case 6:
      case 7:
        return `${c.sql} ${this.r.pick(['=', '=', '<>', '<', '>=', 'IS NOT DISTINCT FROM'])} ${this.r.pick(other).sql}`;
      case 8:
        return `${c.sql} ${this.r.pick(['=', '<>', '<', '<=', '>', '>='])} ${literal(this.r, c.type)}`;
      default: {
        const t = this.r.pick(TABLES);
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

export function randomQuery(r: Random, options: QueryOptions = {}): string {
  return new Generator(r, options).query();
}

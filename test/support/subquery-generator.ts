/** Random queries with a subquery in every place of the grammar that takes one: ON of every join kind, LATERAL, WHERE,
 *  GROUP BY, HAVING, the select list, ORDER BY, DISTINCT ON, LIMIT and OFFSET, VALUES, IN lists, CASE, arguments and
 *  FILTER of aggregates, set operations and CTEs; correlated to any of the levels around it.
 *
 *  Deterministic by seed. Every LIMIT orders by all that it shows, so that there is one answer; scalar subqueries have
 *  one row at most; full joins have an equality, which PostgreSQL asks for. */
import { type Random, TABLES } from './query-generator.js';

type Type = 'int' | 'num' | 'text' | 'date' | 'bool';
type Col = { readonly sql: string; readonly type: Type };
type Query = { readonly sql: string; readonly types: readonly Type[] };
type Source = { readonly name: string; readonly columns: readonly { name: string; type: Type }[] };

/** What an expression may read: the columns of its own query, and those of the queries around it. */
type Scope = { readonly own: readonly Col[]; readonly outer: readonly Col[] };

const SHOWN: readonly Type[] = ['int', 'int', 'text', 'date', 'bool'];

export function randomSubqueryQuery(r: Random): string {
  return new SubqueryGenerator(r).statement();
}

class SubqueryGenerator {
  private readonly r: Random;
  private sources: readonly Source[] = TABLES;
  private aliases = 0;

  constructor(r: Random) {
    this.r = r;
  }

  statement(): string {
    const depth = 1 + this.r.int(3);
    if (!this.r.chance(0.2)) return this.query([], depth, undefined).sql;
    const cte = this.query([], 1, undefined);
    const columns = cte.types.map((type, i) => ({ name: `w${i}`, type }));
    this.sources = [...TABLES, { name: 'w', columns }];
    const body = this.query([], depth, undefined).sql;
    return `WITH w(${columns.map((c) => c.name).join(', ')}) AS (${cte.sql}) ${body}`;
  }

  private types(): Type[] {
    return Array.from({ length: 1 + this.r.int(3) }, () => this.r.pick(SHOWN));
  }

  /** A query expression; an ORDER BY, where it has one, is over all columns. */
  private query(outer: readonly Col[], depth: number, wanted: readonly Type[] | undefined): Query {
    const types = wanted ?? this.types();
    const { r } = this;
    if (depth > 0 && r.chance(0.08)) return this.withQuery(outer, depth, types);
    let sql: string;
    const shape = r.int(12);
    if (shape === 0 && depth > 0) {
      const arm = (): string => this.query(outer, depth - 1, types).sql;
      const op = r.pick(['UNION', 'UNION ALL', 'INTERSECT', 'EXCEPT', 'INTERSECT ALL', 'EXCEPT ALL']);
      sql = `(${arm()}) ${op} (${arm()})`;
    } else if (shape === 1) {
      const row = (): string =>
        `(${types.map((t) => this.typed(this.expr(t, { own: [], outer }, depth - 1), t)).join(', ')})`;
      sql = `VALUES ${Array.from({ length: 1 + r.int(3) }, row).join(', ')}`;
    } else if (shape === 2) return this.distinctOn(outer, depth, types);
    else sql = this.select(outer, depth, types);
    if (r.chance(0.35)) sql += this.orderAndLimit(types.length, outer, depth);
    return { sql, types };
  }

  /** A WITH query of its own, which may read columns of the queries around it; mostly read several times. */
  private withQuery(outer: readonly Col[], depth: number, types: readonly Type[]): Query {
    const { r, sources } = this;
    const cte = this.query(outer, depth - 1, undefined);
    const name = `w${this.aliases++}`;
    const columns = cte.types.map((type, i) => ({ name: `${name}c${i}`, type }));
    const own: Source = { name, columns };
    this.sources = [...sources, own, own, own, own];
    const body = this.query(outer, depth, types);
    this.sources = sources;
    const how = r.pick(['', '', 'MATERIALIZED ', 'NOT MATERIALIZED ']);
    return {
      sql: `WITH ${name}(${columns.map((c) => c.name).join(', ')}) AS ${how}(${cte.sql}) ${body.sql}`,
      types,
    };
  }

  private orderAndLimit(width: number, outer: readonly Col[], depth: number): string {
    const { r } = this;
    const key = (i: number): string => `${i + 1}${r.pick(['', ' DESC', ' NULLS FIRST', ' DESC NULLS LAST'])}`;
    const all = Array.from({ length: width }, (_, i) => key(i));
    switch (r.int(6)) {
      case 0:
        return ` ORDER BY ${all.join(', ')}`;
      case 1:
        // Ties are rows too: here any prefix will do.
        return ` ORDER BY ${all.slice(0, 1 + r.int(width)).join(', ')} FETCH FIRST (${this.count(outer, depth)}) ROWS WITH TIES`;
      case 2:
        return ` ORDER BY ${all.join(', ')} OFFSET ${this.count(outer, depth)}`;
      case 3:
        return ` ORDER BY ${all.join(', ')} LIMIT ${this.count(outer, depth)} OFFSET ${this.count(outer, depth)}`;
      default:
        return ` ORDER BY ${all.join(', ')} LIMIT ${this.count(outer, depth)}`;
    }
  }

  /** A row count: constant, computed, of an outer row, or a subquery. */
  private count(outer: readonly Col[], depth: number): string {
    const { r } = this;
    const ints = outer.filter((c) => c.type === 'int');
    if (depth > 0 && r.chance(0.25))
      return `(SELECT count(*) % 4 FROM ${this.fromWhere(outer, Math.min(depth - 1, 1))})`;
    if (ints.length > 0 && r.chance(0.4)) return `(abs(${r.pick(ints).sql}) % 4)`;
    if (r.chance(0.1)) return `(${r.int(3)} + 1)`;
    return String(r.int(5));
  }

  private distinctOn(outer: readonly Col[], depth: number, types: readonly Type[]): Query {
    const from = this.from(outer, depth);
    const scope = { own: from.cols, outer };
    const key = this.expr(this.r.pick(SHOWN), scope, depth - 1);
    const items = types.map((t) => this.typed(this.expr(t, scope, depth - 1), t));
    const order = [key, ...items].join(', ');
    return {
      sql: `SELECT DISTINCT ON (${key}) ${items.join(', ')} FROM ${from.sql}${this.where(scope, depth)} ORDER BY ${order}`,
      types,
    };
  }

  private select(outer: readonly Col[], depth: number, types: readonly Type[]): string {
    const { r } = this;
    if (r.chance(0.06))
      return `SELECT ${types.map((t) => this.typed(this.expr(t, { own: [], outer }, depth - 1), t)).join(', ')}`;
    const from = this.from(outer, depth);
    const scope = { own: from.cols, outer };
    const where = this.where(scope, depth);
    if (!r.chance(0.3)) {
      const items = types.map((t) => this.typed(this.expr(t, scope, depth - 1), t));
      return `SELECT ${r.chance(0.15) ? 'DISTINCT ' : ''}${items.join(', ')} FROM ${from.sql}${where}`;
    }
    const groups = Array.from(
      { length: r.int(3) },
      (): Col =>
        r.chance(0.75)
          ? r.pick(from.cols.filter((c) => c.type !== 'num'))
          : ((type): Col => ({ sql: this.expr(type, scope, depth - 1), type }))(r.pick(SHOWN)),
    ).filter((g) => !/^[-'\d(]?[\d'-]|^date|^true$|^false$/.test(g.sql));
    // Above the grouping only grouped columns can be read.
    const columns = groups.filter((g) => from.cols.some((c) => c.sql === g.sql));
    const grouped = { own: columns, outer };
    const items = types.map((type) => {
      const g = groups.filter((x) => x.type === type);
      if (g.length > 0 && r.chance(0.5)) return r.pick(g).sql;
      if (r.chance(0.2)) return this.typed(this.scalar(type, grouped, depth - 1), type);
      return this.typed(this.aggregate(type, scope, depth), type);
    });
    const by = groups.length > 0 ? ` GROUP BY ${groups.map((g) => g.sql).join(', ')}` : '';
    const having = r.chance(0.3)
      ? ` HAVING ${r.chance(0.5) && columns.length > 0 ? this.predicate(grouped, depth - 1) : `${this.aggregate('int', scope, depth)} ${r.pick(['<', '>=', '<>'])} ${this.scalar('int', grouped, depth - 1)}`}`
      : '';
    return `SELECT ${items.join(', ')} FROM ${from.sql}${where}${by}${having}`;
  }

  private typed(sql: string, type: Type): string {
    return type === 'int'
      ? `(${sql})::bigint`
      : type === 'text' || type === 'date'
        ? `(${sql})::${type}`
        : sql;
  }

  private fromWhere(outer: readonly Col[], depth: number): string {
    const from = this.from(outer, depth);
    return `${from.sql}${this.where({ own: from.cols, outer }, depth)}`;
  }

  private where(scope: Scope, depth: number): string {
    return this.r.chance(0.6) ? ` WHERE ${this.predicate(scope, depth)}` : '';
  }

  private from(outer: readonly Col[], depth: number): { readonly sql: string; readonly cols: Col[] } {
    const { r } = this;
    const first = this.item(outer, depth);
    let sql = first.sql;
    let cols = [...first.cols];
    for (let n = r.int(3) - (depth < 2 ? 1 : 0); n > 0; n--) {
      const kind = r.pick(['JOIN', 'LEFT JOIN', 'LEFT JOIN', 'RIGHT JOIN', 'FULL JOIN', 'CROSS JOIN']);
      const lateral = depth > 0 && kind !== 'RIGHT JOIN' && kind !== 'FULL JOIN' && r.chance(0.35);
      const right = lateral ? this.derived([...outer, ...cols], depth, 'LATERAL ') : this.item(outer, depth);
      const equal = this.equality(cols, right.cols);
      const all = { own: [...cols, ...right.cols], outer };
      if (kind === 'CROSS JOIN' || (kind === 'FULL JOIN' && equal === undefined))
        sql += ` CROSS JOIN ${right.sql}`;
      else {
        const conditions = [
          ...(equal !== undefined && (kind === 'FULL JOIN' || r.chance(0.8)) ? [equal] : []),
          ...(r.chance(0.5) ? [this.predicate(all, depth)] : []),
        ];
        sql += ` ${kind} ${right.sql} ON ${conditions.length === 0 ? 'true' : conditions.join(' AND ')}`;
      }
      cols = [...all.own];
    }
    return { sql, cols };
  }

  private equality(left: readonly Col[], right: readonly Col[]): string | undefined {
    const l = this.r.pick(left);
    const same = right.filter((c) => c.type === l.type);
    return same.length === 0 ? undefined : `${l.sql} = ${this.r.pick(same).sql}`;
  }

  private item(
    outer: readonly Col[],
    depth: number,
  ): { readonly sql: string; readonly cols: readonly Col[] } {
    if (depth > 1 && this.r.chance(0.12)) return this.derived(outer, depth, '');
    const t = this.r.pick(this.sources);
    const alias = `q${this.aliases++}`;
    return {
      sql: `${t.name} AS ${alias}`,
      cols: t.columns.map((c) => ({ sql: `${alias}.${c.name}`, type: c.type })),
    };
  }

  private derived(
    outer: readonly Col[],
    depth: number,
    lateral: string,
  ): { readonly sql: string; readonly cols: readonly Col[] } {
    const { sql, types } = this.query(outer, depth - 1, undefined);
    const alias = `q${this.aliases++}`;
    return {
      sql: `${lateral}(${sql}) AS ${alias}(${types.map((_, i) => `x${i}`).join(', ')})`,
      cols: types.map((type, i) => ({ sql: `${alias}.x${i}`, type })),
    };
  }

  private aggregate(type: Type, scope: Scope, depth: number): string {
    const { r } = this;
    const filter = r.chance(0.25) ? ` FILTER (WHERE ${this.predicate(scope, depth - 1)})` : '';
    // Without a column of its own the aggregate would be one of a query around it.
    const arg = (t: Type): string => {
      const e = this.expr(t, scope, r.chance(0.4) ? depth - 1 : 0);
      if (scope.own.length === 0 || scope.own.some((c) => e.includes(c.sql))) return e;
      const same = scope.own.filter((c) => c.type === t);
      if (same.length > 0) return r.pick(same).sql;
      return `CASE WHEN ${r.pick(scope.own).sql} IS NULL THEN ${this.literal(t)} ELSE ${this.literal(t)} END`;
    };
    const distinct = r.chance(0.2) ? 'DISTINCT ' : '';
    switch (type) {
      case 'int':
        return `${r.pick([`count(${distinct}${arg(r.pick(SHOWN))})`, `count(*)`, `max(${arg('int')})`, `sum(${distinct}(${arg('int')})::int)`])}${filter}`;
      case 'bool':
        return `${r.pick(['bool_and', 'bool_or'])}(${arg('bool')})${filter}`;
      default:
        return `${r.pick(['min', 'max'])}((${arg(type)})::${type})${filter}`;
    }
  }

  private literal(type: Type): string {
    const { r } = this;
    switch (type) {
      case 'int':
        return String(r.int(10) - 2);
      case 'num':
        return (r.int(2000) / 100 - 5).toFixed(2);
      case 'text':
        return `'${r.pick(['', 'a', 'ab', 'abc', 'b', 'ba', 'Z'])}'`;
      case 'date':
        return `date '2024-0${1 + r.int(3)}-${10 + r.int(18)}'`;
      case 'bool':
        return r.pick(['true', 'false']);
    }
  }

  private leaf(type: Type, scope: Scope): string {
    const from = scope.outer.length > 0 && this.r.chance(0.35) ? scope.outer : scope.own;
    const same = from.filter((c) => c.type === type);
    if (same.length > 0 && this.r.chance(0.9)) return this.r.pick(same).sql;
    return this.literal(type);
  }

  private expr(type: Type, scope: Scope, depth: number): string {
    const { r } = this;
    const leaf = (): string => this.leaf(type, scope);
    switch (r.int(depth > 0 ? 10 : 7)) {
      case 0:
        return `CASE WHEN ${this.predicate(scope, depth - 1)} THEN ${leaf()} ELSE ${leaf()} END`;
      case 1:
        return `coalesce(${leaf()}, ${depth > 0 && r.chance(0.3) ? this.scalar(type, scope, depth - 1) : leaf()})`;
      case 2:
        if (type === 'int') return `(${leaf()} ${r.pick(['+', '-'])} ${leaf()})`;
        if (type === 'text') return `(${leaf()} || ${leaf()})`;
        if (type === 'bool') return `(${this.predicate(scope, depth - 1)})`;
        return leaf();
      case 7:
      case 8:
        return this.scalar(type, scope, depth - 1);
      case 9:
        if (type === 'int') return `greatest(${leaf()}, ${this.scalar('int', scope, depth - 1)})`;
        if (type === 'text') return `upper(${this.scalar('text', scope, depth - 1)})`;
        return leaf();
      default:
        return leaf();
    }
  }

  /** A subquery of one row at most. */
  private scalar(type: Type, scope: Scope, depth: number): string {
    const { r } = this;
    if (depth < 0) return this.leaf(type, scope);
    const outer = [...scope.outer, ...scope.own];
    switch (r.int(6)) {
      case 0:
        return `(SELECT ${this.leaf(type, { own: outer, outer: [] })})`;
      case 1: {
        const inner = this.query(outer, Math.max(depth - 1, 0), [type]);
        const alias = `q${this.aliases++}`;
        return `(SELECT ${alias}.x FROM (${inner.sql}) AS ${alias}(x) ORDER BY 1${r.pick(['', ' DESC'])} LIMIT 1${r.chance(0.3) ? ` OFFSET ${this.count(outer, depth)}` : ''})`;
      }
      case 2: {
        const from = this.from(outer, depth);
        const inner = { own: from.cols, outer };
        return `(SELECT ${this.typed(this.expr(type, inner, 0), type)} FROM ${from.sql}${this.where(inner, depth)} ORDER BY 1 NULLS FIRST LIMIT 1)`;
      }
      default: {
        const from = this.from(outer, depth);
        const inner = { own: from.cols, outer };
        return `(SELECT ${this.aggregate(type, inner, depth)} FROM ${from.sql}${this.where(inner, depth)})`;
      }
    }
  }

  private predicate(scope: Scope, depth: number): string {
    const { r } = this;
    const visible = scope.own.length > 0 ? scope.own : scope.outer;
    if (visible.length === 0) return depth > 0 ? this.exists(scope, depth) : this.literal('bool');
    const c = r.pick(visible);
    switch (r.int(depth > 0 ? 14 : 7)) {
      case 0:
        return `(${this.predicate(scope, depth - 1)} AND ${this.predicate(scope, 0)})`;
      case 1:
        return `(${this.predicate(scope, depth - 1)} OR ${this.predicate(scope, 0)})`;
      case 2:
        return `NOT ${this.predicate(scope, depth - 1)}`;
      case 3:
        return `${c.sql} IS ${r.chance(0.5) ? 'NOT ' : ''}NULL`;
      case 4: {
        const list = Array.from({ length: 1 + r.int(3) }, () =>
          r.chance(0.1)
            ? 'NULL'
            : depth > 0 && c.type !== 'num' && r.chance(0.3)
              ? this.scalar(c.type, scope, depth - 1)
              : this.leaf(c.type, scope),
        );
        return `${c.sql} ${r.chance(0.3) ? 'NOT ' : ''}IN (${list.join(', ')})`;
      }
      case 5:
      case 6:
        return `${c.sql} ${r.pick(['=', '=', '<>', '<', '>=', 'IS NOT DISTINCT FROM'])} ${this.leaf(c.type, scope)}`;
      case 7:
      case 8:
        return this.exists(scope, depth);
      case 9:
        return `${c.sql} ${r.pick(['=', '<', '>=', 'IS DISTINCT FROM'])} ${c.type === 'num' ? this.leaf('num', scope) : this.scalar(c.type, scope, depth - 1)}`;
      case 10:
        return this.rows(scope, depth);
      default:
        return this.quantified(scope, depth, c);
    }
  }

  private exists(scope: Scope, depth: number): string {
    const { sql } = this.query([...scope.outer, ...scope.own], depth - 1, undefined);
    return `${this.r.chance(0.4) ? 'NOT ' : ''}EXISTS (${sql})`;
  }

  private quantified(scope: Scope, depth: number, column: Col): string {
    const { r } = this;
    const c = column.type === 'num' ? { sql: this.leaf('int', scope), type: 'int' as const } : column;
    const { sql } = this.query([...scope.outer, ...scope.own], depth - 1, [c.type]);
    if (r.chance(0.3)) return `${c.sql} ${r.pick(['<', '>=', '=', '<>'])} ${r.pick(['ANY', 'ALL'])} (${sql})`;
    if (c.type === 'int' && r.chance(0.1)) return `${c.sql} = ANY (ARRAY(${sql}))`;
    return `${c.sql} ${r.chance(0.4) ? 'NOT ' : ''}IN (${sql})`;
  }

  private rows(scope: Scope, depth: number): string {
    const { r } = this;
    const types = [r.pick(SHOWN), r.pick(SHOWN)];
    const row = `(${types.map((t) => this.typed(this.leaf(t, scope), t)).join(', ')})`;
    const { sql } = this.query([...scope.outer, ...scope.own], depth - 1, types);
    switch (r.int(3)) {
      case 0:
        return `${row} ${r.chance(0.4) ? 'NOT ' : ''}IN (${sql})`;
      case 1:
        return `${row} ${r.pick(['<', '>=', '=', '<>'])} ${r.pick(['ANY', 'ALL'])} (${sql})`;
      default: {
        const alias = `q${this.aliases++}`;
        return `${row} ${r.pick(['<', '>=', '=', '<>'])} (SELECT ${alias}.* FROM (${sql}) AS ${alias} ORDER BY 1, 2 LIMIT 1)`;
      }
    }
  }
}

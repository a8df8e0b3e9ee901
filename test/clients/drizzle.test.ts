/** Drizzle over node-postgres: typed tables, queries, batches, errors.
 *
 *  Left out, because mpp does not have it: update, delete, returning, on conflict, serial columns,
 *  relational queries (they are made of json_build_array), columns of uuid, json and arrays. */
import { asc, count, desc, eq, inArray, like, sql, sum } from 'drizzle-orm';
import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres';
import {
  bigint,
  boolean,
  date,
  doublePrecision,
  getTableConfig,
  integer,
  numeric,
  pgTable,
  smallint,
  text,
  timestamp,
  varchar,
} from 'drizzle-orm/pg-core';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ClientDatabase, openClientDatabase } from './client-database.js';

const kinds = pgTable('kinds', {
  id: integer().primaryKey(),
  flag: boolean(),
  small: smallint(),
  big: bigint({ mode: 'bigint' }),
  exact: numeric({ precision: 12, scale: 3 }),
  wide: doublePrecision(),
  word: text().notNull().default('none'),
  label: varchar({ length: 40 }),
  day: date(),
  moment: timestamp({ precision: 3 }),
  instant: timestamp({ withTimezone: true, mode: 'string' }),
});
const parts = pgTable('parts', { kind: integer().notNull(), line: smallint().notNull(), note: text() });
let db: ClientDatabase;
let pool: pg.Pool;
let orm: NodePgDatabase;

beforeAll(async () => {
  db = await openClientDatabase();
  pool = new pg.Pool({ connectionString: db.url, max: 3 });
  orm = drizzle(pool);
});
afterAll(async () => {
  await pool?.end();
  await db?.close();
});

test('reads rows of every type', async () => {
  expect(await orm.select().from(kinds).where(eq(kinds.id, 1))).toEqual([
    {
      id: 1,
      flag: true,
      small: -7,
      big: 9007199254740993n,
      exact: '1234.500',
      wide: 1e100,
      word: 'naïve ☃',
      label: "it's",
      day: '2024-02-29',
      moment: new Date('2024-02-29T13:14:15.123Z'),
      instant: '2024-02-29 13:14:15.123456+00',
    },
  ]);
});

test('inserts lists and queries', async () => {
  const t = pgTable('drizzled', {
    id: integer().primaryKey(),
    name: varchar({ length: 20 }).default('none'),
    amount: numeric(),
  });
  await orm.execute(
    sql`create table ${t} (id integer primary key, name varchar(20) default 'none', amount numeric(10,2))`,
  );
  await orm.insert(t).values(Array.from({ length: 300 }, (_, id) => ({ id, amount: `${id}.5` })));
  expect(
    await orm
      .select({ name: t.name, n: count(), total: sum(t.amount) })
      .from(t)
      .where(inArray(t.id, [1, 2, 3]))
      .groupBy(t.name),
  ).toEqual([{ name: 'none', n: 3, total: '7.50' }]);
  expect(await orm.$count(t)).toBe(300);
  await orm.execute(sql`drop table ${t}`);
  expect(getTableConfig(t).name).toBe('drizzled');
});

test('joins, subqueries, WITH and prepared statements', async () => {
  const noted = orm.$with('noted').as(orm.select().from(parts).where(like(parts.note, '%s%')));
  expect(
    await orm
      .with(noted)
      .select({ id: kinds.id, note: noted.note })
      .from(kinds)
      .leftJoin(noted, eq(noted.kind, kinds.id))
      .orderBy(asc(kinds.id), desc(noted.note)),
  ).toEqual([
    { id: 1, note: 'second' },
    { id: 1, note: 'first' },
    { id: 2, note: null },
  ]);
  const byId = orm
    .select({ word: kinds.word })
    .from(kinds)
    .where(eq(kinds.id, sql.placeholder('id')))
    .prepare('word_by_id');
  expect(await byId.execute({ id: 1 })).toEqual([{ word: 'naïve ☃' }]);
  expect(await byId.execute({ id: 2 })).toEqual([{ word: '' }]);
});

test('a transaction', async () => {
  expect(await orm.transaction((tx) => tx.select({ n: count() }).from(kinds))).toEqual([{ n: 2 }]);
});

test('errors', async () => {
  const nosuch = pgTable('nosuch', { id: integer() });
  await expect(orm.select().from(nosuch)).rejects.toMatchObject({ cause: { code: '42P01', position: '18' } });
});

/** Kysely: introspection, schema and query builders, streams, errors.
 *
 *  Left out, because mpp does not have it: update, delete, returning, on conflict, identity columns,
 *  indexes. */
import { type Generated, Kysely, PostgresDialect, sql } from 'kysely';
import pg from 'pg';
import Cursor from 'pg-cursor';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ClientDatabase, openClientDatabase } from './client-database.js';

type Schema = {
  kinds: { id: number; flag: boolean | null; big: string | null; word: Generated<string>; day: Date | null };
  parts: { kind: number; line: number; note: string | null };
  made: { id: number; name: Generated<string>; amount: string | null };
};

let db: ClientDatabase;
let kysely: Kysely<Schema>;

beforeAll(async () => {
  db = await openClientDatabase();
  const pool = new pg.Pool({ connectionString: db.url, max: 3 });
  kysely = new Kysely<Schema>({ dialect: new PostgresDialect({ pool, cursor: Cursor }) });
});
afterAll(async () => {
  await kysely?.destroy();
  await db?.close();
});

test('introspects schemas, tables, views and columns', async () => {
  const schemas = (await kysely.introspection.getSchemas()).map((s) => s.name);
  expect(schemas).toContain('public');
  const tables = await kysely.introspection.getTables();
  expect(tables.map((t) => [t.schema, t.name, t.isView])).toEqual([
    ['public', 'kinds', false],
    ['public', 'notes', true],
    ['public', 'parts', false],
  ]);
  expect(
    tables[0].columns.map((c) => [c.name, c.dataType, c.isNullable, c.hasDefaultValue, c.isAutoIncrementing]),
  ).toEqual([
    ['id', 'int4', false, false, false],
    ['flag', 'bool', true, false, false],
    ['small', 'int2', true, false, false],
    ['big', 'int8', true, false, false],
    ['exact', 'numeric', true, false, false],
    ['single', 'float4', true, false, false],
    ['wide', 'float8', true, false, false],
    ['word', 'text', false, true, false],
    ['label', 'varchar', true, false, false],
    ['code', 'bpchar', true, false, false],
    ['day', 'date', true, false, false],
    ['clock', 'time', true, false, false],
    ['moment', 'timestamp', true, false, false],
    ['instant', 'timestamptz', true, false, false],
    ['span', 'interval', true, false, false],
  ]);
});

test('makes, fills and drops a table', async () => {
  await kysely.schema
    .createTable('made')
    .addColumn('id', 'integer', (c) => c.primaryKey())
    .addColumn('name', 'varchar(20)', (c) => c.notNull().defaultTo('none'))
    .addColumn('amount', sql`numeric(10, 2)`)
    .execute();
  const rows = Array.from({ length: 300 }, (_, id) => ({ id, name: `n${id}`, amount: `${id}.25` }));
  const [inserted] = await kysely.insertInto('made').values(rows).execute();
  expect(inserted.numInsertedOrUpdatedRows).toBe(300n);
  await kysely
    .insertInto('made')
    .columns(['id', 'amount'])
    .expression(kysely.selectFrom('made').select((e) => [e('id', '+', 1000).as('id'), 'amount']))
    .execute();
  expect(
    await kysely
      .selectFrom('made')
      .select((e) => ['name', e.fn.countAll<string>().as('n'), e.fn.sum('amount').as('total')])
      .where('id', '>=', 299)
      .groupBy('name')
      .orderBy('n')
      .execute(),
  ).toEqual([
    { name: 'n299', n: '1', total: '299.25' },
    { name: 'none', n: '300', total: '44925.00' },
  ]);
  await kysely.schema.dropTable('made').execute();
});

test('builds queries', async () => {
  expect(
    await kysely
      .with('w', (q) => q.selectFrom('parts').selectAll().where('note', 'is not', null))
      .selectFrom('kinds as k')
      .leftJoin('w', 'w.kind', 'k.id')
      .select(['k.id', 'w.note', 'k.day'])
      .where((e) => e.or([e('k.word', 'like', 'na%'), e('k.id', 'in', [2, 3])]))
      .orderBy('k.id')
      .orderBy('w.note', (o) => o.desc().nullsLast())
      .execute(),
  ).toEqual([
    { id: 1, note: 'second', day: new Date(2024, 1, 29) },
    { id: 1, note: 'first', day: new Date(2024, 1, 29) },
    { id: 2, note: null, day: null },
  ]);
  expect(
    await kysely
      .selectFrom('kinds')
      .select('id')
      .distinctOn('flag')
      .orderBy('flag')
      .limit(1)
      .executeTakeFirstOrThrow(),
  ).toEqual({ id: 1 });
  expect((await sql<{ x: number }>`select ${3}::int as x`.execute(kysely)).rows).toEqual([{ x: 3 }]);
});

test('streams, in a transaction too', async () => {
  let sum = 0;
  for await (const row of kysely
    .selectFrom(sql<{ g: number }>`generate_series(1, 3000)`.as('g'))
    .selectAll()
    .stream(500))
    sum += (row as unknown as { g: number }).g;
  expect(sum).toBe(4_501_500);
  expect(
    await kysely.transaction().execute((tx) =>
      tx
        .selectFrom('kinds')
        .select((e) => e.fn.max('id').as('m'))
        .execute(),
    ),
  ).toEqual([{ m: 2 }]);
});

test('errors', async () => {
  await expect(sql`select nosuch from kinds`.execute(kysely)).rejects.toMatchObject({
    code: '42703',
    position: '8',
  });
  await expect(kysely.selectFrom('made').selectAll().execute()).rejects.toMatchObject({ code: '42P01' });
});

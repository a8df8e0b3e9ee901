/** Knex: schema builder, query builder, introspection, batches, streams, cancelling, errors.
 *
 *  Left out, because mpp does not have it: update, delete, returning, sequences (`increments`), indexes, foreign keys
 *  (ALTER TABLE), columns of bytea, uuid and json, savepoints. */
import knexOf, { type Knex } from 'knex';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ClientDatabase, openClientDatabase } from './client-database.js';

let db: ClientDatabase;
let knex: Knex;

beforeAll(async () => {
  db = await openClientDatabase();
  knex = knexOf({ client: 'pg', connection: db.url, pool: { min: 0, max: 3 } });
});
afterAll(async () => {
  await knex?.destroy();
  await db?.close();
});

test('makes, describes, fills and drops tables', async () => {
  await knex.schema.createTable('people', (t) => {
    t.integer('id').primary();
    t.string('name', 50).notNullable().defaultTo('nobody');
    t.text('remark');
    t.boolean('active').defaultTo(true);
    t.decimal('balance', 12, 2);
    t.float('ratio');
    t.double('wide');
    t.bigInteger('big');
    t.date('born');
    t.timestamp('seen').defaultTo(knex.fn.now());
  });
  expect(await knex.schema.hasTable('people')).toBe(true);
  expect(await knex.schema.hasTable('nobody')).toBe(false);
  expect(await knex.schema.hasColumn('people', 'balance')).toBe(true);
  expect(await knex.schema.hasColumn('people', 'nosuch')).toBe(false);
  expect(await knex('people').columnInfo()).toMatchObject({
    id: { type: 'integer', maxLength: null, nullable: false, defaultValue: null },
    name: {
      type: 'character varying',
      maxLength: 50,
      nullable: false,
    },
    active: { type: 'boolean', nullable: true },
    balance: { type: 'numeric' },
    ratio: { type: 'real' },
    seen: { type: 'timestamp with time zone', defaultValue: 'CURRENT_TIMESTAMP' },
  });
  await knex('people').insert({
    id: 1,
    name: 'Ada',
    balance: '10.50',
    born: '1815-12-10',
  });
  await knex('people').insert({ id: 2 });
  expect(await knex('people').select('id', 'name', 'active', 'balance').orderBy('id')).toEqual([
    { id: 1, name: 'Ada', active: true, balance: '10.50' },
    { id: 2, name: 'nobody', active: true, balance: null },
  ]);
  await knex.schema.renameTable('people', 'persons');
  expect(await knex.schema.hasTable('persons')).toBe(true);
  await knex.schema.dropTableIfExists('persons');
  expect(await knex.schema.hasTable('persons')).toBe(false);
});

test('builds queries: joins, groups, subqueries, WITH, sets, paging', async () => {
  expect(
    await knex('kinds as k')
      .join('parts as p', 'p.kind', 'k.id')
      .groupBy('k.id')
      .orderBy('k.id')
      .select('k.id')
      .count('* as n'),
  ).toEqual([
    { id: 1, n: '2' },
    { id: 2, n: '1' },
  ]);
  expect(
    await knex('kinds').whereIn('id', knex('parts').select('kind').whereNotNull('note')).pluck('id'),
  ).toEqual([1]);
  expect(
    await knex
      .with('w', knex('parts').where('line', 1))
      .from('w')
      .leftJoin('kinds', 'kinds.id', 'w.kind')
      .where((q) => q.whereILike('kinds.word', 'NA%').orWhereNull('kinds.big'))
      .orderBy('kinds.id', 'desc')
      .limit(1)
      .offset(1)
      .select('kinds.id'),
  ).toEqual([{ id: 1 }]);
  expect(await knex('kinds').select('id').union(knex('parts').select('line')).orderBy('id')).toEqual([
    { id: 1 },
    { id: 2 },
  ]);
  expect(await knex('kinds').where({ id: 1 }).first('word')).toEqual({ word: 'naïve ☃' });
  expect(await knex('kinds').max('id as m')).toEqual([{ m: 2 }]);
  expect(
    await knex.raw('select ?? from ?? where ?? = ?', ['word', 'kinds', 'id', 2]).then((r) => r.rows),
  ).toEqual([{ word: '' }]);
});

test('inserts in batches, and streams', async () => {
  await knex.schema.createTable('batches', (t) => {
    t.integer('id');
    t.string('word');
  });
  await knex.batchInsert(
    'batches',
    Array.from({ length: 2000 }, (_, id) => ({ id, word: `w${id}` })),
    500,
  );
  let sum = 0;
  for await (const row of knex('batches').select('id').stream()) sum += row.id;
  expect(sum).toBe(1_999_000);
  await knex('batches').truncate();
  expect(await knex('batches').count('* as n')).toEqual([{ n: '0' }]);
  await knex.schema.dropTable('batches');
});

test('a transaction', async () => {
  expect(await knex.transaction((tx) => tx('kinds').count('* as n'))).toEqual([{ n: '2' }]);
});

test('cancels when a query takes too long', async () => {
  const slow = knex
    .raw('select count(*) from generate_series(1, 40000000000) a where a % 7 = 9')
    .timeout(300, { cancel: true });
  await expect(slow).rejects.toThrow('Defined query timeout');
  expect(await knex.raw('select 1 as one').then((r) => r.rows)).toEqual([{ one: 1 }]);
});

test('errors', async () => {
  await expect(knex('nosuch').select()).rejects.toMatchObject({ code: '42P01', position: '15' });
  await expect(knex('kinds').insert({ id: 'x' })).rejects.toMatchObject({ code: '22P02' });
});

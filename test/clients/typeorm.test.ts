/** TypeORM: synchronisation of a schema (its introspection), repositories, query builder, streams, errors.
 *
 *  Left out, because mpp does not have it: update, remove, generated columns (its inserts of those use RETURNING),
 *  indexes, and foreign keys, which it adds by ALTER TABLE: `createForeignKeyConstraints: false`. */
import { DataSource, EntitySchema, In, Like } from 'typeorm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ClientDatabase, DATABASE, HOST, openClientDatabase, USER } from './client-database.js';

type Author = {
  id: number;
  name: string;
  born: string | null;
  rating: string | null;
  active: boolean;
  books?: Book[];
};
type Book = { id: number; title: string; author?: Author };

const AuthorEntity = new EntitySchema<Author>({
  name: 'author',
  columns: {
    id: { type: 'integer', primary: true },
    name: { type: 'varchar', length: 60 },
    born: { type: 'date', nullable: true },
    rating: { type: 'numeric', precision: 5, scale: 2, nullable: true },
    active: { type: 'boolean' },
  },
  relations: { books: { type: 'one-to-many', target: 'book', inverseSide: 'author' } },
});
const BookEntity = new EntitySchema<Book>({
  name: 'book',
  columns: { id: { type: 'bigint', primary: true }, title: { type: 'text' } },
  relations: {
    author: {
      type: 'many-to-one',
      target: 'author',
      inverseSide: 'books',
      createForeignKeyConstraints: false,
    },
  },
});

let db: ClientDatabase;
let source: DataSource;

beforeAll(async () => {
  db = await openClientDatabase();
  source = new DataSource({
    type: 'postgres',
    host: HOST,
    port: db.port,
    username: USER,
    database: DATABASE,
    entities: [AuthorEntity, BookEntity],
    installExtensions: false,
  });
  await source.initialize();
});
afterAll(async () => {
  await source?.destroy();
  await db?.close();
});

test('makes the tables, and finds nothing to change afterwards', async () => {
  await source.synchronize();
  const plan = await source.driver.createSchemaBuilder().log();
  expect(plan.upQueries.map((q) => q.query)).toEqual([]);
});

test('reads tables, keys, indexes and columns of the catalog', async () => {
  const runner = source.createQueryRunner();
  const author = (await runner.getTable('author'))!;
  expect(
    author.columns.map((c) => [c.name, c.type, c.length, c.precision, c.scale, c.isNullable, c.isPrimary]),
  ).toEqual([
    ['id', 'integer', '', undefined, undefined, false, true],
    ['name', 'character varying', '60', undefined, undefined, false, false],
    ['born', 'date', '', undefined, undefined, true, false],
    ['rating', 'numeric', '', 5, 2, true, false],
    ['active', 'boolean', '', undefined, undefined, false, false],
  ]);
  expect(author.indices).toEqual([]);
  const book = (await runner.getTable('book'))!;
  expect(book.primaryColumns.map((c) => [c.name, c.type])).toEqual([['id', 'bigint']]);
  expect(await runner.hasTable('nosuch')).toBe(false);
  expect(await runner.hasColumn('author', 'rating')).toBe(true);
  expect(await runner.getCurrentDatabase()).toBe(DATABASE);
  expect(await runner.getCurrentSchema()).toBe('public');
  await runner.release();
});

test('inserts and finds', async () => {
  const authors = source.getRepository(AuthorEntity);
  const books = source.getRepository(BookEntity);
  await authors.insert([
    { id: 1, name: 'Lovelace', born: '1815-12-10', rating: '4.5', active: true },
    { id: 2, name: 'Hopper', active: false },
  ]);
  await books.insert(
    Array.from({ length: 100 }, (_, i) => ({ id: i, title: `Book ${i}`, author: { id: 1 } as Author })),
  );
  expect(await authors.find({ order: { id: 'ASC' } })).toEqual([
    { id: 1, name: 'Lovelace', born: '1815-12-10', rating: '4.50', active: true },
    { id: 2, name: 'Hopper', born: null, rating: null, active: false },
  ]);
  expect(await books.countBy({ title: Like('Book 1%'), author: { name: In(['Lovelace']) } })).toBe(11);
  const [page, total] = await books.findAndCount({
    relations: { author: true },
    order: { id: 'ASC' },
    skip: 10,
    take: 2,
  });
  expect(total).toBe(100);
  expect(page.map((b) => [b.id, b.title, b.author?.name])).toEqual([
    ['10', 'Book 10', 'Lovelace'],
    ['11', 'Book 11', 'Lovelace'],
  ]);
});

test('builds queries and streams', async () => {
  const query = source
    .getRepository(AuthorEntity)
    .createQueryBuilder('a')
    .leftJoin('a.books', 'b')
    .select('a.name', 'name')
    .addSelect('count(b.id)', 'books')
    .groupBy('a.name')
    .having('count(b.id) >= :least', { least: 0 })
    .orderBy('a.name');
  expect(await query.getRawMany()).toEqual([
    { name: 'Hopper', books: '0' },
    { name: 'Lovelace', books: '100' },
  ]);
  const names: string[] = [];
  for await (const row of (await query.stream()) as unknown as AsyncIterable<{ name: string }>)
    names.push(row.name);
  expect(names).toEqual(['Hopper', 'Lovelace']);
});

test('a transaction, a truncated table, errors', async () => {
  expect(await source.transaction((m) => m.count(BookEntity))).toBe(100);
  await source.getRepository(BookEntity).clear();
  expect(await source.getRepository(BookEntity).count()).toBe(0);
  await expect(source.query('select nosuch from author')).rejects.toMatchObject({
    driverError: { code: '42703', position: '8' },
  });
});

test('drops the tables', async () => {
  const runner = source.createQueryRunner();
  await runner.dropTable('book', false, false, true);
  await runner.dropTable('author', false, false, true);
  expect(await runner.hasTable('author')).toBe(false);
  await runner.release();
});

/** Sequelize: sync of models, describeTable and its kin, finders, bulk inserts, raw queries, errors.
 *
 *  Left out, because mpp does not have it: update, destroy, upsert, auto-increment, indexes, foreign keys, columns of
 *  bytea, uuid and json. */
import { DataTypes, Op, QueryTypes, Sequelize } from 'sequelize';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ClientDatabase, openClientDatabase } from './client-database.js';

let db: ClientDatabase;
let sequelize: Sequelize;

beforeAll(async () => {
  db = await openClientDatabase();
  sequelize = new Sequelize(db.url, { dialect: 'postgres', logging: false, pool: { max: 3 } });
  sequelize.define(
    'ship',
    {
      id: { type: DataTypes.INTEGER, primaryKey: true },
      name: { type: DataTypes.STRING(60), allowNull: false },
      length: DataTypes.DECIMAL(8, 2),
      launched: DataTypes.DATEONLY,
      seen: DataTypes.DATE,
      afloat: { type: DataTypes.BOOLEAN, defaultValue: true },
      mass: DataTypes.BIGINT,
      log: DataTypes.TEXT,
    },
    { timestamps: false },
  );
  sequelize.define(
    'voyage',
    { id: { type: DataTypes.INTEGER, primaryKey: true }, port: DataTypes.STRING },
    { timestamps: false },
  );
  sequelize.models.ship.hasMany(sequelize.models.voyage, {
    foreignKey: 'shipId',
    as: 'voyages',
    constraints: false,
  });
});
afterAll(async () => {
  await sequelize?.close();
  await db?.close();
});

test('connects and makes tables, twice', async () => {
  await sequelize.authenticate();
  await sequelize.sync();
  await sequelize.sync();
  expect(await sequelize.getQueryInterface().showAllTables()).toEqual(
    expect.arrayContaining(['ships', 'voyages']),
  );
});

test('describes tables, indexes and keys', async () => {
  const q = sequelize.getQueryInterface();
  const ships = await q.describeTable('ships');
  expect(ships).toMatchObject({
    id: { type: 'INTEGER', allowNull: false, primaryKey: true },
    name: { type: 'CHARACTER VARYING(60)', allowNull: false, primaryKey: false },
    length: { type: 'NUMERIC', allowNull: true },
    launched: { type: 'DATE' },
    seen: { type: 'TIMESTAMP WITH TIME ZONE' },
    afloat: { type: 'BOOLEAN', defaultValue: true },
    mass: { type: 'BIGINT' },
  });
  const indexes = (await q.showIndex('ships')) as {
    name: string;
    primary: boolean;
    unique: boolean;
    fields: { attribute: string }[];
  }[];
  expect(indexes.map((i) => [i.name, i.primary, i.unique, i.fields.map((f) => f.attribute)])).toEqual([
    ['ships_pkey', true, true, ['id']],
  ]);
  expect(await q.tableExists('ships')).toBe(true);
});

test('inserts many and finds', async () => {
  const { ship, voyage } = sequelize.models;
  const seen = new Date('2024-02-29T13:14:15.678Z');
  await ship.bulkCreate(
    [
      {
        id: 1,
        name: 'Beagle',
        length: '27.5',
        launched: '1820-05-11',
        seen,
        mass: '9007199254740993',
        log: "it's",
      },
      { id: 2, name: 'Endeavour', afloat: false },
    ],
    { returning: false },
  );
  await voyage.bulkCreate(
    Array.from({ length: 50 }, (_, id) => ({ id, port: `Port ${id}`, shipId: 1 + (id % 2) })),
    { returning: false },
  );
  const beagle = await ship.findByPk(1);
  expect(beagle?.get({ plain: true })).toEqual({
    id: 1,
    name: 'Beagle',
    length: '27.50',
    launched: '1820-05-11',
    seen,
    afloat: true,
    mass: '9007199254740993',
    log: "it's",
  });
  expect(await ship.count({ where: { [Op.or]: [{ name: { [Op.iLike]: 'END%' } }, { id: [1, 7] }] } })).toBe(
    2,
  );
  const both = await ship.findAll({
    include: [{ association: 'voyages', where: { id: { [Op.lt]: 4 } } }],
    order: ['id'],
  });
  expect(both.map((s) => [s.get('name'), (s.get('voyages') as unknown[]).length])).toEqual([
    ['Beagle', 2],
    ['Endeavour', 2],
  ]);
  const { rows, count } = await voyage.findAndCountAll({ order: [['id', 'DESC']], limit: 2, offset: 1 });
  expect([count, rows.map((r) => r.get('id'))]).toEqual([50, [48, 47]]);
  expect(await voyage.sum('id')).toBe(1225);
});

test('raw queries, replacements and bound parameters', async () => {
  expect(
    await sequelize.query('select name from ships where id = :id', {
      replacements: { id: 2 },
      type: QueryTypes.SELECT,
    }),
  ).toEqual([{ name: 'Endeavour' }]);
  expect(
    await sequelize.query('select $x::int + 1 as x', { bind: { x: 4 }, type: QueryTypes.SELECT }),
  ).toEqual([{ x: 5 }]);
  expect(await sequelize.databaseVersion()).toMatch(/^15\./);
});

test('a transaction', async () => {
  expect(await sequelize.transaction((transaction) => sequelize.models.ship.count({ transaction }))).toBe(2);
});

test('errors, and dropping', async () => {
  await expect(sequelize.query('select nosuch from ships')).rejects.toMatchObject({
    parent: { code: '42703', position: '8' },
  });
  await expect(sequelize.models.ship.bulkCreate([{ id: 3 }], { returning: false })).rejects.toMatchObject({
    parent: { code: '23502' },
  });
  await sequelize.models.voyage.truncate();
  expect(await sequelize.models.voyage.count()).toBe(0);
  await sequelize.drop();
  expect(await sequelize.getQueryInterface().tableExists('ships')).toBe(false);
});

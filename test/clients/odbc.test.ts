/** PostgreSQL's ODBC driver through pyodbc; see odbc-client.py. Skipped where they are not installed. */
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ClientDatabase, installed, openClientDatabase, output } from './client-database.js';

const PYTHON = '/usr/bin/python3';
const found = installed(PYTHON, '-c', "import pyodbc; assert 'PostgreSQL Unicode' in pyodbc.drivers()");

describe.runIf(found)('ODBC', () => {
  let db: ClientDatabase;
  beforeAll(async () => {
    db = await openClientDatabase();
  });
  afterAll(() => db?.close());

  const script = fileURLToPath(new URL('odbc-client.py', import.meta.url));
  test.each([
    ['statements prepared by the server', '1', '0'],
    ['parameters written into statements', '0', '0'],
    ['rows fetched from cursors of the server', '1', '1'],
  ])('types, catalog, batches, errors, cancel: %s', (_name, prepare, fetch) => {
    const environment = { PGPORT: String(db.port), SERVER_SIDE_PREPARE: prepare, DECLARE_FETCH: fetch };
    expect(Number(output(PYTHON, [script], '', environment))).toBeGreaterThan(30);
  });
});

test.skipIf(found)(
  'ODBC is not installed: apt-get install odbc-postgresql unixodbc python3-pyodbc',
  () => undefined,
);

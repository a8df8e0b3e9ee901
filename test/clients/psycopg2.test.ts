/** psycopg2, the driver of most Python programs; see psycopg2-client.py. Skipped where it is not installed. */
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ClientDatabase, installed, openClientDatabase, output } from './client-database.js';

const PYTHON = '/usr/bin/python3';
const found = installed(PYTHON, '-c', 'import psycopg2');

describe.runIf(found)('psycopg2', () => {
  let db: ClientDatabase;
  beforeAll(async () => {
    db = await openClientDatabase();
  });
  afterAll(() => db?.close());

  test('types, batches, COPY, cursors, errors, cancel', () => {
    const script = fileURLToPath(new URL('psycopg2-client.py', import.meta.url));
    expect(Number(output(PYTHON, [script], '', { PGPORT: String(db.port) }))).toBeGreaterThan(40);
  });
});

test.skipIf(found)('psycopg2 is not installed: apt-get install python3-psycopg2', () => undefined);

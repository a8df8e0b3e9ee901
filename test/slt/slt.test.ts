/** The SQL logic tests over clusters of real processes: 1 and 3 segments, with the optimizer's rules and without. Their
 *  expectations are PostgreSQL's. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SKIPPABLE } from '../../src/plan/skippable.js';
import { openPostgres } from '../support/pglite.js';
import { formatSlt, parseSlt, recordSlt, runSlt } from '../support/slt.js';
import { openTestDatabase, type TestDatabase } from '../support/test-database.js';

const dir = import.meta.dirname;
const files = readdirSync(dir).filter((f) => f.endsWith('.slt'));

if (process.env.UPDATE_SLT) {
  test.each(files)('record %s', async (file) => {
    const records = parseSlt(readFileSync(join(dir, file), 'utf8'));
    const db = await openPostgres();
    await recordSlt(records, db);
    await db.close();
    writeFileSync(join(dir, file), formatSlt(records));
  });
} else
  describe.each([
    { segments: 1, off: [] },
    { segments: 3, off: [] },
    { segments: 3, off: SKIPPABLE },
  ])('$segments segments without $off', ({ segments, off }) => {
    let db: TestDatabase;
    beforeAll(async () => {
      db = await openTestDatabase({ segments });
    });
    afterAll(() => db?.close());

    test.each(files)('%s', async (file) => {
      const schema = file.replace(/\W/g, '_');
      await db.query(`CREATE SCHEMA "${schema}"`);
      await db.query(`SET search_path = "${schema}"`);
      await db.query(`SET mpp.disabled_rules = '${off.join(', ')}'`);
      const failures = await runSlt(parseSlt(readFileSync(join(dir, file), 'utf8')), db);
      expect(failures.length, `\n${failures.join('\n')}\n`).toBe(0);
    });
  });

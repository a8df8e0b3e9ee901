/** Every \d command of psql is answered without an error, with and without +, S and a pattern. Skipped where there is no
 *  psql. */
import { execFileSync, spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openTestDatabase, type TestDatabase } from '../support/test-database.js';

const COMMANDS = (
  'd da dA dAc dAf dAo dAp db dc dC dconfig dd ddp dD des det deu dew dE dF dFd dFp dFt df dfa dfn dfp dft dfw dg di dl dL ' +
  'dm dn do dO dp dP dPi dPt drds dRp dRs ds dt dT du dv dx dX dy l z'
).split(' ');
/** What psql does not take these for. */
const WITHOUT_PATTERN = new Set(['dl']);

const psql = spawnSync('psql', ['--version'], { encoding: 'utf8' }).stdout ?? '';

describe.runIf(psql.includes('psql'))('psql', () => {
  let db: TestDatabase;
  beforeAll(async () => {
    db = await openTestDatabase({ segments: 1 });
    await db.query(
      "CREATE TABLE pt (a int PRIMARY KEY, b text DEFAULT 'x', c numeric(5,2), t timestamp(3), i interval day to second(2))",
    );
    await db.query('CREATE VIEW pv AS SELECT a, b FROM pt');
  });
  afterAll(() => db?.close());

  const run = (script: string): string => {
    const args = [
      '-X',
      '-h',
      '127.0.0.1',
      '-p',
      String(db.port),
      '-U',
      'mpp',
      '-d',
      'mpp',
      '-v',
      'VERBOSITY=verbose',
    ];
    // Errors go to standard error; both are wanted in their order.
    return execFileSync('sh', ['-c', 'psql "$@" 2>&1', 'psql', ...args], { input: script, encoding: 'utf8' });
  };

  test.each(['', '+', 'S', 'S+'])('commands with "%s"', (suffix) => {
    const script = COMMANDS.flatMap((c) => {
      const lines = suffix.includes('S') ? [] : [`\\${c}${suffix}`];
      if (!WITHOUT_PATTERN.has(c)) lines.push(`\\${c}${suffix} nosuch`, `\\${c}${suffix} public.p*`);
      return lines.flatMap((line) => [`\\echo == '\\${line}'`, line]);
    }).join('\n');
    let command = '';
    const failed: string[] = [];
    for (const line of run(`${script}\n`).split('\n')) {
      if (line.startsWith('== ')) command = line;
      else if (line.includes('ERROR')) failed.push(`${command}: ${line}`);
    }
    expect(command).not.toBe('');
    expect(failed).toEqual([]);
  });

  test('\\d shows modifiers', () => {
    const shown = run('\\d pt\n');
    for (const type of ['numeric(5,2)', 'timestamp(3) without time zone', 'interval day to second(2)'])
      expect(shown).toContain(type);
  });
});

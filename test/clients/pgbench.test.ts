/** pgbench's select-only script, and one of ours, in each of its query modes. Its other scripts update rows, which mpp does not
 *  do yet, so its tables are made here. Skipped where it is not installed. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ClientDatabase, installed, openClientDatabase, output } from './client-database.js';

const found = installed('pgbench', '--version');

const SCRIPT = `\\set kind random(1, 2)
select k.word, count(p.line) from kinds k left join parts p on p.kind = k.id where k.id = :kind group by k.word \\gset
select :kind + 1 as a \\; select :kind + 2 as b;
`;

describe.runIf(found)('pgbench', () => {
  let db: ClientDatabase;
  beforeAll(async () => {
    db = await openClientDatabase();
    await db.query(
      'create table pgbench_branches (bid int not null, bbalance int, filler char(88)); insert into pgbench_branches values (1, 0)',
    );
    await db.query(
      'create table pgbench_accounts (aid int not null primary key, bid int, abalance int, filler char(84))',
    );
    await db.query("insert into pgbench_accounts select g, 1, 0, '' from generate_series(1, 100000) g");
  });
  afterAll(() => db?.close());

  test.each(['simple', 'extended', 'prepared'])('select-only, %s queries', (mode) => {
    const args = ['-S', '-n', '-M', mode, '-c', '2', '-j', '1', '-t', '50', '-p', String(db.port)];
    const shown = output('pgbench', args);
    expect(shown).toContain('number of transactions actually processed: 100/100');
    expect(shown).toContain(`query mode: ${mode}`);
  });

  test.each(['simple', 'extended', 'prepared'])('a script with variables, %s queries', (mode) => {
    const script = mode === 'simple' ? SCRIPT : SCRIPT.replace(' \\;', ';');
    const args = ['-n', '-M', mode, '-c', '1', '-t', '20', '-p', String(db.port), '-f', '-'];
    expect(output('pgbench', args, script)).toContain('number of transactions actually processed: 20/20');
  });
});

test.skipIf(found)('pgbench is not installed: apt-get install postgresql-contrib', () => undefined);

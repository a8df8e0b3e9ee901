/** mpp-sql driven by keys in a real terminal. Skipped where neither Python nor util-linux' `script` can make one. */
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { openTestDatabase, type TestDatabase } from '../support/test-database.js';
import { findPty, Terminal } from './terminal.js';

const client = fileURLToPath(new URL('../../dist/src/client/sql/mpp-sql.js', import.meta.url));
const pty = findPty();
if (pty === undefined)
  console.warn('terminal tests skipped: neither python3 with pty nor util-linux script is here');

const UP = '\x1b[A';
const CTRL_C = '\x03';
const CTRL_D = '\x04';
const CTRL_R = '\x12';

describe.runIf(pty !== undefined)('in a terminal', () => {
  let db: TestDatabase;
  let dir: string;
  let open: Terminal[] = [];
  beforeAll(async () => {
    db = await openTestDatabase({ segments: 2 });
    await db.query('CREATE TABLE fruits (fruit_id int, fruit_name text, price numeric(5,2))');
    await db.query("INSERT INTO fruits VALUES (1, 'apple', 0.5), (2, 'pear', 0.75)");
    dir = mkdtempSync(join(tmpdir(), 'mpp-repl-'));
  });
  afterAll(async () => {
    await db?.close();
    rmSync(dir, { recursive: true, force: true });
  });
  afterEach(() => {
    for (const t of open) t.kill();
    open = [];
  });

  async function start(env: NodeJS.ProcessEnv = {}, history = 'history'): Promise<Terminal> {
    const t = new Terminal(
      pty!,
      [process.execPath, client, '-X', '-h', '127.0.0.1', '-p', String(db.port), '-U', 'mpp', 'mpp'],
      { PAGER: 'cat', MPP_HISTORY: join(dir, history), ...env },
    );
    open.push(t);
    await t.see('mpp=#');
    return t;
  }

  test('a statement of several lines, in colour', async () => {
    const t = await start();
    t.type("select 'ab'\r");
    await t.see('mpp-#');
    t.type('|| $$cd$$ as joined;\r');
    await t.see('(1 row)');
    expect(t.screen.text).toContain(' abcd');
    expect(t.raw).toContain('\x1b[1;34mselect');
    expect(t.raw).toContain("\x1b[32m'ab'");
  });

  test('lines above can be edited before the statement is sent', async () => {
    const t = await start();
    t.type('select 1 +\r2 as three');
    await t.see('mpp-# 2 as three');
    t.type(`${UP}\x05 40 +`);
    await t.see('select 1 + 40 +');
    t.type('\x1b[B\x05;\r');
    await t.see(/\n\s+43\n/);
  });

  test('prompts tell what is open', async () => {
    const t = await start();
    t.type('select (1\r');
    await t.see('mpp(#');
    t.type("+ 2), 'a\r");
    await t.see("mpp'#");
    t.type("b' /* c\r");
    await t.see('mpp*#');
    t.type(CTRL_C);
    t.type('\\if false\r');
    await t.see('mpp@#');
    t.type('\\endif\r');
    await t.see(/mpp=#\s*$/);
  });

  test('completion of keywords, tables, columns in context', async () => {
    const t = await start();
    t.type('sel\tfruit_n\t');
    await t.see('select fruit_n');
    t.type(' fr\tfru\t');
    await t.see('from fruits');
    t.type(' where pri\t > 0.6;\r');
    await t.see('where price > 0.6;');
    await t.see(/column "fruit_n" does not exist/);
    t.type('select fruit_n from fruits');
    t.type('\x1b[D'.repeat(' from fruits'.length));
    t.type('\t');
    await t.see('select fruit_name from fruits');
    t.type('\x05;\r');
    await t.see('(2 rows)');
    t.type('\\d fru\t\r');
    await t.see('Table "public.fruits"');
    t.type('\\pset form\tmark\t\r');
    await t.see('Output format is markdown.');
    t.type('set enable_hashj\t');
    await t.see('set enable_hashjoin');
  });

  test('a menu of completions', async () => {
    const t = await start();
    t.type('select * from fruits where fruit_\t');
    await t.see(/fruit_id\s+fruit_name/);
    t.type('\t\t');
    await t.see('where fruit_name');
    t.type('\r');
    t.type(" = 'pear';\r");
    await t.see('(1 row)');
    expect(t.screen.text).toContain('0.75');
  });

  test('history: kept on disk, recalled, searched', async () => {
    const first = await start({}, 'kept');
    first.type('select 1111 as\r one;\r');
    await first.see('(1 row)');
    first.type('select 2222;\r');
    await first.see('2222\n(1 row)');
    first.type('\\q\r');
    expect(await first.exited).toBe(0);
    expect(readFileSync(join(dir, 'kept'), 'utf8')).toContain('select 2222;\n');
    const second = await start({}, 'kept');
    second.type(UP + UP);
    await second.see('mpp=# select 2222;');
    second.type(UP);
    await second.see(/mpp=# select 1111 as\nmpp-# {2}one;/);
    second.type(`${CTRL_C}${CTRL_R}22`);
    await second.see("(reverse-i-search) `22': select 2222;");
    second.type('\r');
    await second.see('(1 row)');
  });

  test('pasted text waits for Enter', async () => {
    const t = await start();
    t.type("\x1b[200~select 'pasted' as a;\nselect 'twice' as b;\n\x1b[201~");
    await t.see("select 'twice' as b;");
    expect(t.screen.text).not.toContain('(1 row)');
    t.type('\r');
    await t.see(' twice');
    expect(t.screen.text).toContain(' pasted');
  });

  test('Ctrl-C leaves the statement, and cancels the query but not the client', async () => {
    const t = await start();
    t.type('select broken');
    await t.see('select broken');
    t.type(CTRL_C);
    t.type('select 5 as five;\r');
    await t.see('(1 row)');
    t.type('select count(*) from generate_series(1, 100000) a, generate_series(1, 1000000) b;\r');
    // Over a second: how far it is shows.
    await t.see(/slices? [\d, ]*running|running {2}\d/, 20_000);
    t.type(CTRL_C);
    await t.see('canceling statement due to user request', 20_000);
    t.type('select 6 as six;\r');
    await t.see(/six\s+-+\s+6/);
  });

  test('\\watch until Ctrl-C', async () => {
    const t = await start();
    t.type('select 7 as seven \\watch 0.2\r');
    await t.see(/\(every 0.2s\)[\s\S]*\(every 0.2s\)/);
    t.type(CTRL_C);
    t.type('select 8 as eight;\r');
    await t.see('eight');
  });

  test('long output goes through the pager', async () => {
    const t = await start({ PAGER: 'sed -e s/^/PAGED:/' });
    t.type('select i from generate_series(1, 100) i;\r');
    await t.see('PAGED:(100 rows)');
    t.type('select 1 as short;\r');
    await t.see('short');
    expect(t.screen.text).not.toContain('PAGED: short');
  });

  test('expanded output by itself when lines are too long', async () => {
    const t = await start();
    t.type("\\x auto\rselect 'narrow' as a;\r");
    await t.see(' narrow');
    t.type("select repeat('x', 80) as a, repeat('y', 80) as b;\r");
    await t.see('-[ RECORD 1 ]');
  });

  test('\\e edits the statement in an editor', async () => {
    const editor = join(dir, 'editor.sh');
    writeFileSync(editor, '#!/bin/sh\nsleep 0.05\nsed -i s/before/after/ "$1"\n');
    chmodSync(editor, 0o755);
    const t = await start({ EDITOR: editor });
    t.type("select 'before' as x;\r");
    await t.see(' before');
    t.type('\\e\r');
    await t.see(' after');
  });

  test('COPY from the keyboard', async () => {
    const t = await start();
    t.type('copy fruits from stdin;\r');
    await t.see('End with a backslash and a period');
    t.type('3\tplum\t0.10\r');
    // A tab completes nothing here.
    await t.see('>>');
    t.type('\\.\r');
    await t.see('COPY 1');
  });

  test('EXPLAIN ANALYZE in colour, and \\plan', async () => {
    const t = await start();
    t.type('explain (analyze, costs off) select fruit_name, count(*) from fruits group by 1;\r');
    await t.see('<- slowest');
    await t.see(/Seq Scan on fruits.*\(actual rows=\d+ .*time=[\d.]+ ms/);
    // In the colour of operators, or of the slowest.
    const colors = ['1;36', '1;31'].map((c) => t.raw.includes(`\x1b[${c}m`));
    expect(colors).toEqual([true, true]);
    const page = join(dir, 'plan.html');
    t.type(`\\plan ${page}\r`);
    await t.see('The plan is in');
    expect(existsSync(page)).toBe(true);
    const html = readFileSync(page, 'utf8');
    expect(html).toContain('Seq Scan on fruits');
    expect(html).toContain('segment 1');
    expect(html).not.toMatch(/(src|href)=/);
  });

  test('Ctrl-D ends the session', async () => {
    const t = await start();
    t.type(CTRL_D);
    expect(await t.exited).toBe(0);
    expect(t.screen.text).toContain('\\q');
  });
});

/** Whatever the text, the binder answers with a plan that holds the invariants or with a SqlError. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { SqlError } from '../../types/sql-error.js';
import { verifyLogical } from '../logical/verify.js';
import { loadParser, parseSql } from '../sql/parse.js';
import { scanTokens } from '../sql/tokens.js';
import { bindStatement } from './bind.js';
import { type FakeCatalog, TEST_FUNCTIONS, tpchCatalog } from './fake-catalog.js';
import type { BoundStatement } from './statement.js';

const FIXTURES = new URL('./fixtures/', import.meta.url);
const lines = (name: string): string[] =>
  readFileSync(new URL(name, FIXTURES), 'utf8')
    .split('\n')
    .filter((l) => l !== '');

let catalog: FakeCatalog;
let statements: readonly string[][];

beforeAll(async () => {
  await loadParser();
  catalog = tpchCatalog();
  statements = [...lines('queries.sql'), ...lines('errors.sql')].flatMap((sql) => {
    try {
      return [scanTokens(sql).map((t) => t.text)];
    } catch {
      return [];
    }
  });
});

function tryBind(sql: string): BoundStatement[] {
  try {
    return parseSql(sql).map((p) => bindStatement(p, catalog, { paramTypes: [], functions: TEST_FUNCTIONS }));
  } catch (e) {
    if (e instanceof SqlError) {
      expect(e.code).toMatch(/^[0-9A-Z]{5}$/);
      if (e.position !== undefined) {
        expect(e.position).toBeGreaterThan(0);
        expect(e.position).toBeLessThanOrEqual([...sql].length + 1);
      }
      return [];
    }
    throw new Error(`${sql}\n${e instanceof Error ? e.stack : String(e)}`);
  }
}

function check(sql: string): void {
  for (const s of tryBind(sql)) {
    const plan =
      s.kind === 'query' ? s.plan : s.kind === 'insert' || s.kind === 'createTableAs' ? s.source : undefined;
    if (plan === undefined) continue;
    try {
      verifyLogical(plan);
    } catch (e) {
      throw new Error(`${sql}\n${e instanceof Error ? e.message : String(e)}`);
    }
  }
}

const RUNS = Number(process.env.FUZZ_RUNS ?? 1500);

describe('the binder under random text', () => {
  it('survives token soup', () => {
    const words = fc.constantFrom(
      ...(
        'select from where group by having order limit distinct on union all except intersect with as join left full ' +
        'using natural lateral case when then else end in exists any not and or is null between like cast interval ' +
        "extract year values insert into create table view default , ( ) ( ) * + - / = < <> || :: . . 1 2.5 'a' '1' $1 " +
        'nation region n_name n_nationkey r_name n_regionkey count sum max upper int text date generate_series array [ ]'
      ).split(' '),
    );
    fc.assert(
      fc.property(fc.array(words, { maxLength: 14 }), (ws) => check(`select ${ws.join(' ')}`)),
      { numRuns: RUNS },
    );
  });

  it('survives statements with a few tokens changed', () => {
    fc.assert(
      fc.property(
        fc.nat(),
        fc.nat(),
        fc.array(fc.tuple(fc.nat(), fc.nat(), fc.nat(2)), { maxLength: 3 }),
        (a, b, edits) => {
          const tokens = [...statements[a % statements.length]];
          const donor = statements[b % statements.length];
          for (const [at, from, how] of edits) {
            const i = at % (tokens.length + 1);
            const word = donor[from % donor.length] ?? '';
            if (how === 0) tokens.splice(i, 1);
            else tokens.splice(i, how === 1 ? 1 : 0, word);
          }
          check(tokens.join(' '));
        },
      ),
      { numRuns: RUNS },
    );
  });

  it('survives expressions moved between statements', () => {
    const cut = (ts: readonly string[], word: string): string => {
      const i = ts.findIndex((t) => t.toLowerCase() === 'from');
      return (word === 'head' ? ts.slice(1, i < 0 ? undefined : i) : i < 0 ? [] : ts.slice(i)).join(' ');
    };
    fc.assert(
      fc.property(
        fc.nat(),
        fc.nat(),
        fc.constantFrom('', ' group by 1', ' order by 1', ' group by n_nationkey', ' limit 1'),
        (a, b, tail) => {
          const head = cut(statements[a % statements.length], 'head');
          const from = cut(statements[b % statements.length], 'tail');
          check(`select ${head} ${from}${tail}`);
        },
      ),
      { numRuns: RUNS },
    );
  });

  it('ends deep nesting with an error', () => {
    for (const sql of [
      `select ${'('.repeat(5000)}1${')'.repeat(5000)}`,
      `select ${Array.from({ length: 30000 }, () => '1').join('+')}`,
      `select ${'not '.repeat(20000)}true`,
      `select ${'(select '.repeat(500)}1${')'.repeat(500)}`,
      `select 1 ${'union select 1 '.repeat(3000)}`,
    ])
      tryBind(sql);
    expect(tryBind('select 1')).toHaveLength(1);
  });
});

import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { SqlError } from '../../types/sql-error.js';
import { loadParser, parseSql } from './parse.js';
import { SourceText } from './source-text.js';

beforeAll(loadParser);

function errorOf(sql: string): SqlError {
  try {
    parseSql(sql);
  } catch (e) {
    if (e instanceof SqlError) return e;
    throw e;
  }
  throw new Error(`parsed: ${sql}`);
}

describe('parseSql', () => {
  it('gives each statement its own text and range', () => {
    const all = parseSql("  select 'é😀' ; -- note\n select 2;;\n/* x */ select 3 -- end");
    expect(all.map((s) => s.text)).toEqual(["select 'é😀'", 'select 2', 'select 3 -- end']);
    expect(all.map((s) => s.source.slice(s.start, s.start + 6))).toEqual(['select', 'select', 'select']);
  });

  it('parses nothing from nothing', () => {
    for (const s of ['', ' ', ';', ' ; ;', '-- only a comment', '/* c */;']) expect(parseSql(s)).toEqual([]);
  });

  it('places syntax errors by character, whatever comes before', () => {
    expect(errorOf("select 'é😀' fromm x y")).toMatchObject({
      code: '42601',
      message: 'syntax error at or near "x"',
      position: 19,
    });
    expect(errorOf('select 1; selec 2')).toMatchObject({
      message: 'syntax error at or near "selec"',
      position: 11,
    });
    expect(errorOf('select (1')).toMatchObject({ message: 'syntax error at end of input', position: 10 });
    expect(errorOf("select 'abc")).toMatchObject({
      message: `unterminated quoted string at or near "'abc"`,
      position: 8,
    });
    expect(errorOf('select 1\0')).toMatchObject({ code: '22021' });
  });

  it('attaches DISTRIBUTED clauses', () => {
    const one = (sql: string) => parseSql(sql)[0].distributed;
    expect(one('create table t (a int) distributed by (a)')).toMatchObject({
      kind: 'by',
      columns: [{ name: 'a' }],
    });
    expect(one('create table t (a int) DISTRIBUTED BY (A, "B c")')).toMatchObject({
      columns: [{ name: 'a' }, { name: 'B c' }],
    });
    expect(one('create table t (a int) distributed randomly;')).toMatchObject({ kind: 'randomly' });
    expect(one('create table t as select 1 as a distributed replicated')).toMatchObject({
      kind: 'replicated',
    });
    expect(one('create table t distributed by (a) as select 1 as a')).toMatchObject({ kind: 'by' });
    expect(one('explain create table t as select 1 as a distributed by (a)')).toMatchObject({ kind: 'by' });
    expect(one('create table t (a int)')).toBeUndefined();
  });

  it('keeps the words in other places', () => {
    expect(parseSql('select * from distributed randomly')[0].distributed).toBeUndefined();
    expect(parseSql('create table t as select * from distributed replicated')[0].distributed).toBeUndefined();
    expect(parseSql('create table distributed (distributed int)')[0].distributed).toBeUndefined();
  });

  it('places errors around a clause that was cut', () => {
    expect(errorOf('create table é (a int) distributed by (é) foo')).toMatchObject({
      message: 'syntax error at or near "foo"',
      position: 43,
    });
    expect(errorOf('create table t (a int) distributed by a')).toMatchObject({
      message: 'syntax error at or near "a"',
      position: 39,
    });
    expect(errorOf('create table t (a int) distributed by (')).toMatchObject({
      message: 'syntax error at end of input',
    });
    expect(errorOf('create table t (a int) distributed by (a) distributed randomly').code).toBe('42601');
    expect(errorOf('create view v as select 1 distributed by (a)').code).toBe('42601');
    expect(errorOf('select 1 distributed by (a)')).toMatchObject({ code: '42601', position: 22 });
    expect(errorOf('create table t (a int) distributed sideways')).toMatchObject({ position: 24 });
  });

  it('takes the text of a statement from what was sent', () => {
    const [t, s] = parseSql('create table t ("é😀" int) distributed by ("é😀"); select 2');
    expect(t.text).toBe('create table t ("é😀" int) distributed by ("é😀")');
    expect(s.text).toBe('select 2');
  });
});

describe('SourceText', () => {
  it('agrees with the encoder on every offset', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 20 }), (text) => {
        const source = new SourceText(text);
        let bytes = 0;
        let chars = 0;
        let units = 0;
        for (const ch of text) {
          expect(source.position(bytes)).toBe(chars + 1);
          expect(source.index(bytes)).toBe(units);
          bytes += new TextEncoder().encode(ch).length;
          chars++;
          units += ch.length;
        }
        expect(source.index(bytes)).toBe(text.length);
      }),
    );
  });
});

import { expect, test } from 'vitest';
import { SlashScanner } from './slash-scanner.js';
import { SqlScanner } from './sql-scanner.js';

function scanner(variables: Record<string, string> = {}): SqlScanner {
  return new SqlScanner({
    variable: (name, quote) => {
      const value = variables[name];
      if (value === undefined || quote === 'plain') return value;
      return quote === 'literal' ? `'${value}'` : `"${value}"`;
    },
    standardStrings: () => true,
    warn: () => undefined,
  });
}

/** Statements of a text, and what is left open at its end. */
function statements(text: string, variables?: Record<string, string>): [string[], string] {
  const s = scanner(variables);
  const out: string[] = [];
  for (const line of text.split('\n')) {
    if (s.buffer !== '') s.buffer += '\n';
    s.setLine(line);
    for (let found = s.scan(); found === 'semicolon'; found = s.scan()) {
      out.push(s.buffer);
      s.buffer = '';
    }
  }
  return [out, s.status];
}

test.each([
  ["select ';'; x", ["select ';';"], 'continue'],
  ["select 'it''s;", [], 'single'],
  ["select E'\\';';", ["select E'\\';';"], 'ready'],
  ["select '\\'; b", ["select '\\';"], 'continue'],
  ['select $$;$$;', ['select $$;$$;'], 'ready'],
  ['select $a$;$b$;', [], 'dollar'],
  ['select a$b$;', ['select a$b$;'], 'ready'],
  ['/* ; /* ; */ ; */ select 1;', ['/* ; /* ; */ ; */ select 1;'], 'ready'],
  ['/* ; /* ; */ ;', [], 'comment'],
  ['-- ;\nselect 1;', ['select 1;'], 'ready'],
  ['select 1 -- ;\n;', ['select 1 -- ;\n;'], 'ready'],
  ['select (1;', [], 'paren'],
  ['select ")";', ['select ")";'], 'ready'],
  ['select "a', [], 'double'],
  ["select 'a'\n'b;';", ["select 'a'\n'b;';"], 'ready'],
  [
    'create function f() returns int begin atomic select 1; select case when true then 2 end; end; select 2;',
    [
      'create function f() returns int begin atomic select 1; select case when true then 2 end; end;',
      'select 2;',
    ],
    'ready',
  ],
  ['begin; end;', ['begin;', 'end;'], 'ready'],
])('%s', (text, expected, status) => {
  const [found, left] = statements(text);
  expect(found.map((f) => f.trimStart())).toEqual(expected);
  expect(left).toBe(status);
});

test('variables: in place of text, quoted, tested; not within quotes, not of casts and slices', () => {
  const variables = { v: 'x y', semi: 'a;b', self: ':self' };
  expect(
    statements(`select :v, :'v', :"v", ':v', ":v", $$:v$$, 1::int, a[1:2], :nosuch;`, variables)[0],
  ).toEqual([`select x y, 'x y', "x y", ':v', ":v", $$:v$$, 1::int, a[1:2], :nosuch;`]);
  expect(statements('select :{?v}, :{?nosuch};', variables)[0]).toEqual(['select TRUE, FALSE;']);
  expect(statements('select :semi;', variables)[0]).toEqual(['select a;', 'b;']);
  expect(statements('select :self;', variables)[0]).toEqual(['select :self;']);
});

test('backslash commands in mid-line', () => {
  const s = scanner();
  s.setLine("select 1 \\g x'y\\\\z");
  expect(s.scan()).toBe('backslash');
  expect(s.buffer).toBe('select 1 ');
  expect(s.rest()).toBe("g x'y\\\\z");
  s.setLine('select 1 \\; select 2;');
  expect(s.scan()).toBe('semicolon');
});

test('arguments of commands', () => {
  const read = (
    text: string,
    kind: Parameters<SlashScanner['argument']>[0] = 'normal',
  ): (string | undefined)[] => {
    const args = new SlashScanner(text, {
      variable: (name) => (name === 'v' ? 'value' : undefined),
      backtick: (command) => `<${command}>`,
      error: () => undefined,
    });
    const out: (string | undefined)[] = [args.command()];
    for (let a = args.argument(kind); a !== undefined; a = args.argument(kind)) out.push(a);
    return [...out, args.rest];
  };
  expect(read("set a 'b ''c''\\n\\x41\\101' :v:v \":v\" `echo :v`")).toEqual([
    'set',
    'a',
    "b 'c'\nAA",
    'valuevalue',
    '":v"',
    '<echo value>',
    '',
  ]);
  expect(read('d "Mixed"Case.TABLE', 'identifier')).toEqual(['d', 'Mixedcase.table', '']);
  expect(read('o |cat > x y', 'file-or-pipe')).toEqual(['o', '|cat > x y', '']);
  expect(read('! ls  -l \\x', 'whole-line')).toEqual(['!', 'ls  -l \\x', '']);
  expect(read('echo a\\echo b')).toEqual(['echo', 'a', '\\echo b']);
});

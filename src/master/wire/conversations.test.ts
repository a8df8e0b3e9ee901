/** Conversations at message level; the answers are a PostgreSQL 15 server's. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { frame, int16, int32, type Message, RawClient, rows } from '../testing/raw-client.js';
import { startTestServer, type TestServer } from '../testing/test-server.js';

let server: TestServer;
const oids = new Map<string, number>();

beforeAll(async () => {
  server = await startTestServer();
  const { client } = await RawClient.start(server.port);
  await client.query('create table cc (a int)');
  for (const name of ['abs', 'sum']) {
    const m = await client.query(
      `select oid from pg_proc where proname = '${name}' and pg_get_function_arguments(oid) = 'integer'`,
    );
    oids.set(name, Number(rows(m)[0]![0]));
  }
  client.end();
});

afterAll(async () => {
  expect(server.errors).toEqual([]);
  await server.close();
});

type Send = () => Buffer;
const value = (v: string | Buffer | null): Buffer =>
  v === null ? int32(-1) : Buffer.concat([int32(Buffer.byteLength(v)), Buffer.from(v)]);
const S: Send = () => frame('S');
const H: Send = () => frame('H');
const c: Send = () => frame('c');
const P =
  (name: string, sql: string): Send =>
  () =>
    frame('P', name, sql, int16(0));
const B =
  (portal: string, name: string, values: (string | null)[] = [], results: number[] = []): Send =>
  () =>
    frame(
      'B',
      portal,
      name,
      int16(0),
      int16(values.length),
      ...values.map(value),
      int16(results.length),
      ...results.map(int16),
    );
const E =
  (portal: string, max = 0): Send =>
  () =>
    frame('E', portal, int32(max));
const named =
  (type: string, kind: string, name: string): Send =>
  () =>
    frame(type, Buffer.from(kind), name);
const DP = (name: string): Send => named('D', 'P', name);
const DS = (name: string): Send => named('D', 'S', name);
const CP = (name: string): Send => named('C', 'P', name);
const CS = (name: string): Send => named('C', 'S', name);
const Q =
  (sql: string): Send =>
  () =>
    frame('Q', sql);
const d =
  (data: string): Send =>
  () =>
    frame('d', Buffer.from(data));
const f =
  (reason: string): Send =>
  () =>
    frame('f', reason);
/** A function by its name or oid. */
const F =
  (fn: string | number, args: (string | Buffer | null)[], result = 0, formats: number[] = []): Send =>
  () =>
    frame(
      'F',
      int32(typeof fn === 'number' ? fn : oids.get(fn)!),
      ...[
        int16(formats.length),
        ...formats.map(int16),
        int16(args.length),
        ...args.map(value),
        int16(result),
      ],
    );

const CONVERSATIONS: Readonly<Record<string, readonly [messages: readonly Send[], answers: string]>> = {
  pipelineTwoSyncs: [
    [P('', 'select 1'), B('', ''), E(''), S, P('', 'select 2'), B('', ''), E(''), S],
    `1 2 D(1) C(SELECT 1) Z(I) 1 2 D(2) C(SELECT 1) Z(I)`,
  ],
  parseErrorThenQuery: [
    [P('', 'selec'), Q('select 1'), S],
    `E(ERROR 42601 syntax error at or near "selec") Z(I)`,
  ],
  errorThenFlush: [[P('', 'selec'), H, S], `E(ERROR 42601 syntax error at or near "selec") Z(I)`],
  limitOutside: [
    [P('', 'select x from generate_series(1,5) x'), B('p', ''), E('p', 2), S, E('p', 2), S],
    `1 2 D(1) D(2) s Z(I) E(ERROR 34000 portal "p" does not exist) Z(I)`,
  ],
  limitInside: [
    [
      Q('begin'),
      P('', 'select x from generate_series(1,5) x'),
      B('p', ''),
      E('p', 2),
      S,
      E('p', 2),
      S,
      E('p', 0),
      E('p', 0),
      S,
      CP('p'),
      S,
      E('p'),
      S,
      Q('rollback'),
    ],
    `C(BEGIN) Z(T) 1 2 D(1) D(2) s Z(T) D(3) D(4) s Z(T) D(5) C(SELECT 1) C(SELECT 0) Z(T) 3 Z(T) E(ERROR 34000 portal "p" does not exist) Z(E) C(ROLLBACK) Z(I)`,
  ],
  limitExact: [
    [P('', 'select x from generate_series(1,2) x'), B('', ''), E('', 2), E('', 2), S],
    `1 2 D(1) D(2) s C(SELECT 0) Z(I)`,
  ],
  negativeLimit: [
    [P('', 'select x from generate_series(1,2) x'), B('', ''), E('', -1), S],
    `1 2 D(1) D(2) C(SELECT 2) Z(I)`,
  ],
  twoPortals: [
    [
      Q('begin'),
      P('s', 'select x from generate_series($1::int,9) x'),
      B('a', 's', ['1']),
      B('b', 's', ['5']),
      E('a', 1),
      E('b', 1),
      E('a', 1),
      E('b', 2),
      S,
      Q('commit'),
      E('a'),
      S,
      CS('s'),
      S,
    ],
    `C(BEGIN) Z(T) 1 2 2 D(1) s D(5) s D(2) s D(6) D(7) s Z(T) C(COMMIT) Z(I) E(ERROR 34000 portal "a" does not exist) Z(I) 3 Z(I)`,
  ],
  samePortalTwice: [
    [Q('begin'), P('s', 'select 1'), B('a', 's'), B('a', 's'), S, Q('rollback'), CS('s'), S],
    `C(BEGIN) Z(T) 1 2 E(ERROR 42P03 cursor "a" already exists) Z(E) C(ROLLBACK) Z(I) 3 Z(I)`,
  ],
  unnamedReplaced: [
    [P('', 'select 1'), P('', 'select 2'), B('', ''), B('', ''), E(''), S],
    `1 1 2 2 D(2) C(SELECT 1) Z(I)`,
  ],
  queryDropsUnnamed: [
    [P('', 'select 1'), Q('select 5'), B('', ''), S],
    `1 T(1) D(5) C(SELECT 1) Z(I) E(ERROR 26000 unnamed prepared statement does not exist) Z(I)`,
  ],
  closeMissing: [[CS('nope'), CP('nope'), S], `3 3 Z(I)`],
  describeStmt: [
    [P('s', 'select $1::int as a, $2 || $3 as b'), DS('s'), S, CS('s'), S],
    `1 t(23,25,25) T(2) Z(I) 3 Z(I)`,
  ],
  describeCommand: [
    [P('', "set application_name = 'zz'"), DS(''), B('', ''), DP(''), E(''), S, Q('reset application_name')],
    `1 t() n 2 n C(SET) S(application_name=zz) Z(I) C(RESET) S(application_name=) Z(I)`,
  ],
  emptyParse: [[P('', ''), DS(''), B('', ''), DP(''), E(''), S], `1 t() n 2 n I Z(I)`],
  emptyQuery: [[Q(''), Q(';'), Q('-- x')], `I Z(I) I Z(I) I Z(I)`],
  multi: [
    [Q('select 1; select 2; select nope; select 3')],
    `T(1) D(1) C(SELECT 1) T(1) D(2) C(SELECT 1) E(ERROR 42703 column "nope" does not exist) Z(I)`,
  ],
  multiParse: [
    [P('', 'select 1; select 2'), S],
    `E(ERROR 42601 cannot insert multiple commands into a prepared statement) Z(I)`,
  ],
  failedBlock: [
    [
      Q('begin'),
      Q('select nope'),
      Q('select 1'),
      P('', 'select 1'),
      S,
      P('', 'rollback'),
      B('', ''),
      E(''),
      S,
    ],
    `C(BEGIN) Z(T) E(ERROR 42703 column "nope" does not exist) Z(E) E(ERROR 25P02 current transaction is aborted, commands ignored until end of transaction block) Z(E) E(ERROR 25P02 current transaction is aborted, commands ignored until end of transaction block) Z(E) 1 2 C(ROLLBACK) Z(I)`,
  ],
  failedBlockBind: [
    [
      P('s', 'select 1'),
      S,
      Q('begin'),
      Q('select nope'),
      B('', 's'),
      S,
      DS('s'),
      S,
      Q('rollback'),
      CS('s'),
      S,
    ],
    `1 Z(I) C(BEGIN) Z(T) E(ERROR 42703 column "nope" does not exist) Z(E) E(ERROR 25P02 current transaction is aborted, commands ignored until end of transaction block) Z(E) E(ERROR 25P02 current transaction is aborted, commands ignored until end of transaction block) Z(E) C(ROLLBACK) Z(I) 3 Z(I)`,
  ],
  endedTwice: [
    [Q('commit'), Q('rollback'), Q('begin'), Q('begin'), Q('commit')],
    `N(WARNING 25P01 there is no transaction in progress) C(COMMIT) Z(I) N(WARNING 25P01 there is no transaction in progress) C(ROLLBACK) Z(I) C(BEGIN) Z(T) N(WARNING 25001 there is already a transaction in progress) C(BEGIN) Z(T) C(COMMIT) Z(I)`,
  ],
  executeSelectTwice: [
    [P('', 'select 1'), B('', ''), E(''), E(''), S],
    `1 2 D(1) C(SELECT 1) C(SELECT 0) Z(I)`,
  ],
  commitPortal: [
    [
      P('b', 'begin'),
      P('s', 'select 1'),
      P('c', 'commit'),
      B('', 'b'),
      E(''),
      B('x', 's'),
      B('', 'c'),
      E(''),
      E('x'),
      S,
      CS('b'),
      CS('s'),
      CS('c'),
      S,
    ],
    `1 1 1 2 C(BEGIN) 2 2 C(COMMIT) E(ERROR 34000 portal "x" does not exist) Z(I) 3 3 3 Z(I)`,
  ],
  statusOnSet: [
    [
      Q("set datestyle to german; set application_name to 'x'"),
      Q('begin'),
      Q("set timezone to 'Europe/Berlin'; set datestyle to iso"),
      Q('rollback'),
      Q('reset all'),
    ],
    `C(SET) C(SET) S(application_name=x) S(DateStyle=German, DMY) Z(I) C(BEGIN) Z(T) C(SET) C(SET) S(DateStyle=ISO, DMY) S(TimeZone=Europe/Berlin) Z(T) C(ROLLBACK) S(DateStyle=German, DMY) S(TimeZone=UTC) Z(I) C(RESET) S(application_name=) S(DateStyle=ISO, MDY) Z(I)`,
  ],
  statusSame: [
    [Q("set datestyle to 'ISO, MDY'"), Q('begin; set datestyle to german; rollback')],
    `C(SET) Z(I) C(BEGIN) C(SET) C(ROLLBACK) Z(I)`,
  ],
  statusPipeline: [
    [
      P('', 'set datestyle to sql'),
      B('', ''),
      E(''),
      P('', 'set datestyle to iso'),
      B('', ''),
      E(''),
      S,
      P('', 'set datestyle to german'),
      B('', ''),
      E(''),
      S,
      Q('reset datestyle'),
    ],
    `1 2 C(SET) 1 2 C(SET) Z(I) 1 2 C(SET) S(DateStyle=German, DMY) Z(I) C(RESET) S(DateStyle=ISO, MDY) Z(I)`,
  ],
  statusLocal: [
    [Q('begin'), Q('set local intervalstyle to iso_8601'), Q('commit')],
    `C(BEGIN) Z(T) C(SET) S(IntervalStyle=iso_8601) Z(T) C(COMMIT) S(IntervalStyle=postgres) Z(I)`,
  ],
  copyInError: [
    [Q('copy cc from stdin'), d('x\n'), d('2\n'), c, Q('select 1')],
    `G E(ERROR 22P02 invalid input syntax for type integer: "x" | COPY cc, line 1, column a: "x") Z(I) T(1) D(1) C(SELECT 1) Z(I)`,
  ],
  copyInFlushSync: [
    [Q('copy cc from stdin'), d('1\n'), H, S, d('2\n'), c, Q('select true')],
    `G C(COPY 2) Z(I) T(1) D(t) C(SELECT 1) Z(I)`,
  ],
  copyExtended: [[P('', 'copy cc from stdin'), B('', ''), E(''), d('1\n'), c, S], `1 2 G C(COPY 1) Z(I)`],
  copyExtendedSyncFirst: [
    [P('', 'copy cc from stdin'), B('', ''), E(''), S, d('1\n'), c, S],
    `1 2 G C(COPY 1) Z(I)`,
  ],
  copyExtendedError: [
    [P('', 'copy cc from stdin'), B('', ''), E(''), d('x\n'), c, S, Q('select 1')],
    `1 2 G E(ERROR 22P02 invalid input syntax for type integer: "x" | COPY cc, line 1, column a: "x") Z(I) T(1) D(1) C(SELECT 1) Z(I)`,
  ],
  copyOut: [
    [P('', 'copy (select 1 union all select 2 order by 1) to stdout'), B('', ''), DP(''), E(''), S],
    `1 2 n H d("1\\n") d("2\\n") c C(COPY 2) Z(I)`,
  ],
  strayCopy: [[d('x'), c, f('y'), Q('select 1')], `T(1) D(1) C(SELECT 1) Z(I)`],
  formatsBad: [
    [P('', 'select 1, 2'), B('', '', [], [1, 1, 1]), S],
    `1 E(ERROR 08P01 bind message has 3 result formats but query has 2 columns) Z(I)`,
  ],
  paramCount: [
    [P('', 'select $1::int'), B('', '', ['1', '2']), S, B('', '', []), S],
    `1 E(ERROR 08P01 bind message supplies 2 parameters, but prepared statement "" requires 1) Z(I) E(ERROR 08P01 bind message supplies 0 parameters, but prepared statement "" requires 1) Z(I)`,
  ],
  paramText: [
    [P('', 'select $1::int'), B('', '', ['x']), S],
    `1 E(ERROR 22P02 invalid input syntax for type integer: "x" | unnamed portal parameter $1 = '...') Z(I)`,
  ],
  bindUnknown: [
    [B('', 'none'), S, E('none'), S, DS('none'), S, DP('none'), S],
    `E(ERROR 26000 prepared statement "none" does not exist) Z(I) E(ERROR 34000 portal "none" does not exist) Z(I) E(ERROR 26000 prepared statement "none" does not exist) Z(I) E(ERROR 34000 portal "none" does not exist) Z(I)`,
  ],
  closeSubtype: [[named('C', 'X', 'a'), S], `E(ERROR 08P01 invalid CLOSE message subtype 88) Z(I)`],
  describeSubtype: [[named('D', 'X', 'a'), S], `E(ERROR 08P01 invalid DESCRIBE message subtype 88) Z(I)`],
  fnAbs: [[F('abs', ['-5'])], `V(5) Z(I)`],
  fnAbsBin: [[F('abs', [int32(-7)], 1, [1])], `V(\\x00\\x00\\x00\\x07) Z(I)`],
  fnMissing: [[F(999999, [])], `E(ERROR 42883 function with OID 999999 does not exist) Z(I)`],
  fnNull: [[F('abs', [null])], `V(null) Z(I)`],
  fnArgs: [
    [F('abs', [])],
    `E(ERROR 08P01 function call message contains 0 arguments but function requires 1) Z(I)`,
  ],
  fnFormats: [
    [F('abs', ['1'], 0, [0, 0])],
    `E(ERROR 08P01 function call message contains 2 argument formats but 1 arguments) Z(I)`,
  ],
  fnFailed: [
    [Q('begin'), Q('select nope'), F('abs', ['-5']), Q('rollback')],
    `C(BEGIN) Z(T) E(ERROR 42703 column "nope" does not exist) Z(E) E(ERROR 25P02 current transaction is aborted, commands ignored until end of transaction block) Z(E) C(ROLLBACK) Z(I)`,
  ],
  fnAgg: [[F('sum', ['1'])], `E(ERROR 0A000 cannot call function "sum" via fastpath interface) Z(I)`],
  fnBad: [[F('abs', ['x'])], `E(ERROR 22P02 invalid input syntax for type integer: "x") Z(I)`],
  fnBadFmt: [[F('abs', ['1'], 7)], `E(ERROR 22023 unsupported format code: 7) Z(I)`],
  fnInPipeline: [
    [P('', 'select 1'), F('abs', ['-5']), B('', ''), E(''), S],
    `1 V(5) Z(I) 2 D(1) C(SELECT 1) Z(I)`,
  ],
  fnErrorSkipsNot: [
    [F(999999, []), Q('select 1')],
    `E(ERROR 42883 function with OID 999999 does not exist) Z(I) T(1) D(1) C(SELECT 1) Z(I)`,
  ],
  savepoints: [
    [Q('begin'), Q('savepoint a'), Q('select nope'), Q('rollback to a'), Q('select 1'), Q('commit')],
    `C(BEGIN) Z(T) C(SAVEPOINT) Z(T) E(ERROR 42703 column "nope" does not exist) Z(E) C(ROLLBACK) Z(T) T(1) D(1) C(SELECT 1) Z(T) C(COMMIT) Z(I)`,
  ],
  syncOnly: [[S, S], `Z(I) Z(I)`],
  flushOnly: [[H, S], `Z(I)`],
  selectInto: [
    [P('x', 'select 1'), P('x', 'select 2'), S, CS('x'), S],
    `1 E(ERROR 42P05 prepared statement "x" already exists) Z(I) 3 Z(I)`,
  ],
  notices: [
    [Q('drop table if exists nonesuch')],
    `N(NOTICE 00000 table "nonesuch" does not exist, skipping) C(DROP TABLE) Z(I)`,
  ],
  implicitMultiBegin: [
    [Q('begin; select 1; commit; select 2')],
    `C(BEGIN) T(1) D(1) C(SELECT 1) C(COMMIT) T(1) D(2) C(SELECT 1) Z(I)`,
  ],
};

function shown({ type, body }: Message): string {
  const text = body.toString('utf8');
  const fields = (): Record<string, string> =>
    Object.fromEntries(
      text
        .split('\0')
        .filter(Boolean)
        .map((p) => [p[0]!, p.slice(1)]),
    );
  switch (type) {
    case 'Z':
      return `Z(${text})`;
    case 'C':
      return `C(${text.slice(0, -1)})`;
    case 'E':
    case 'N': {
      const { S: severity, C: code, M: message, W: where } = fields();
      return `${type}(${severity} ${code} ${message}${where === undefined ? '' : ` | ${where}`})`;
    }
    case 'S':
      return `S(${text.split('\0').slice(0, 2).join('=')})`;
    case 'D':
      return `D(${rows([{ type, body }])[0]!
        .map((v) => v ?? 'null')
        .join()})`;
    case 'd':
      return `d(${JSON.stringify(text)})`;
    case 't':
      return `t(${Array.from({ length: body.readInt16BE(0) }, (_, i) => body.readInt32BE(2 + i * 4)).join()})`;
    case 'T':
      return `T(${body.readInt16BE(0)})`;
    case 'V':
      return body.readInt32BE(0) < 0
        ? 'V(null)'
        : `V(${body.toString('latin1', 4).replace(/[^ -~]/g, (x) => `\\x${x.charCodeAt(0).toString(16).padStart(2, '0')}`)})`;
    default:
      return type;
  }
}

test.each(Object.entries(CONVERSATIONS))('%s', async (_, [messages, answers]) => {
  const { client } = await RawClient.start(server.port);
  // All at once, as a client that pipelines would.
  client.raw(Buffer.concat(messages.map((send) => send())));
  const got: Message[] = [];
  for (let ends = answers.match(/Z\(/g)!.length; ends > 0; ends--) got.push(...(await client.until('Z')));
  expect(got.map(shown).join(' ')).toBe(answers);
  client.end();
});

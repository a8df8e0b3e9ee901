/** One case of the wire fuzzer: what a few clients send, decided by a seed alone.
 *
 *  Owns: messages that are right, in orders that may be wrong, and ways to break them. A script is bytes to send and
 *  where to cut them; it does not depend on answers. */
import { frame, int16, int32 } from '../../src/master/testing/raw-client.js';
import type { Random } from '../support/random.js';

export type Script = {
  readonly pieces: readonly Buffer[];
  /** No byte of it is broken: the session must still answer afterwards. */
  readonly intact: boolean;
  /** Leaves without waiting for answers. */
  readonly abrupt: boolean;
  /** Sends a cancel request with its key while it runs. */
  readonly cancels: boolean;
};

const QUERIES = [
  'select 1',
  "select 'é', null, 2.5, date '2024-01-01'",
  'select * from fuzz order by a limit 50',
  'select x from generate_series(1, 2000) as t(x)',
  'select 1/0',
  'selec',
  '',
  ';;',
  'begin',
  'commit',
  'rollback',
  'savepoint s',
  'rollback to s',
  "set client_encoding to 'latin1'",
  'reset client_encoding',
  "set datestyle to german; set application_name to 'fuzz'",
  'reset all',
  'copy fuzz to stdout',
  'copy fuzz to stdout (format binary)',
  'copy (select 1, null, $$x$$) to stdout csv header',
  'copy fuzz from stdin',
  'copy fuzz from stdin (format binary)',
  'copy fuzz from stdin csv',
  'copy fuzz from stdin; select 1',
  "insert into fuzz values (1, 'x', 1.5)",
  'declare c cursor for select * from fuzz; fetch 3 from c',
  'declare d cursor with hold for select 1; fetch all from d; close d',
  'prepare p as select $1::int; execute p(1); deallocate p',
  'select pg_sleep(0.01)',
  'explain select * from fuzz',
  'show all',
  'discard all',
];
const PREPARED = [
  'select $1::int',
  'select $1::text, $2::numeric',
  'select a, b from fuzz',
  'select $1::int[]',
  ...QUERIES,
];
const NAMES = ['', 's', 'p', 'x'];
const BINARY_HEADER = Buffer.concat([Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1'), int32(0), int32(0)]);

export function script(r: Random): Script {
  const messages = Array.from({ length: 1 + r.int(14) }, () => (r.chance(2) ? message(r) : sequence(r)));
  let bytes: Buffer = Buffer.concat(messages);
  const intact = !r.chance(2);
  if (!intact) bytes = broken(bytes, r);
  const start = r.chance(25) ? garbageStart(r) : startUp(r);
  if (start.length === 0) bytes = Buffer.concat([randomBytes(r, r.int(200)), bytes]);
  const whole = Buffer.concat([start, bytes]);
  const usual = start.length > 8 && start.readInt32BE(4) === 0x30000;
  return {
    pieces: cut(whole, r),
    intact: intact && usual,
    abrupt: r.chance(4),
    cancels: r.chance(6),
  };
}

function startUp(r: Random): Buffer {
  const parameters = ['user', 'fuzz', 'database', 'mpp'];
  if (r.chance(4)) parameters.push('client_encoding', r.pick(['UTF8', 'LATIN1', 'WIN1252', 'SQL_ASCII']));
  if (r.chance(6)) parameters.push('options', '-c DateStyle=German');
  const body = Buffer.concat([...parameters.map((p) => Buffer.from(`${p}\0`)), Buffer.of(0)]);
  return Buffer.concat([int32(body.length + 8), int32(0x30000), body]);
}

function garbageStart(r: Random): Buffer {
  return r.pick([
    Buffer.alloc(0),
    Buffer.concat([int32(8), int32(80877104)]),
    Buffer.concat([int32(16), int32(80877102), randomBytes(r, 8)]),
    Buffer.concat([int32(9), int32(0x30000), Buffer.of(0x61)]),
    Buffer.concat([int32(0x7fffffff), int32(0x30000)]),
    Buffer.concat([int32(8), int32(0x20000)]),
    Buffer.concat([int32(4 + r.int(40)), randomBytes(r, 40)]),
  ]);
}

function message(r: Random): Buffer {
  switch (r.int(16)) {
    case 0:
    case 1:
    case 2:
      return frame('Q', r.pick(QUERIES));
    case 3:
    case 4:
      return frame('P', r.pick(NAMES), r.pick(PREPARED), int16(0));
    case 5:
    case 6:
      return bind(r);
    case 7:
      return frame('E', r.pick(NAMES), int32(r.pick([0, 1, 3, -1, 1000])));
    case 8:
      return frame('D', Buffer.from(r.pick(['S', 'P', 'S', 'P', 'Z'])), r.pick(NAMES));
    case 9:
      return frame('C', Buffer.from(r.pick(['S', 'P', 'S', 'P', 'Z'])), r.pick(NAMES));
    case 10:
      return frame('H');
    case 11:
    case 12:
      return frame('S');
    case 13:
      return r.chance(2) ? copyText(r) : copyBinary(r);
    case 14:
      return r.pick([frame('c'), frame('f', 'no more'), frame('d', randomBytes(r, r.int(60)))]);
    default:
      return functionCall(r);
  }
}

/** Messages that belong together: what is broken afterwards is deep in something. */
function sequence(r: Random): Buffer {
  switch (r.int(5)) {
    case 0:
      return Buffer.concat([
        frame('Q', r.pick(['copy fuzz from stdin', 'copy fuzz from stdin csv'])),
        copyText(r),
      ]);
    case 1:
      return Buffer.concat([frame('Q', 'copy fuzz from stdin (format binary)'), copyBinary(r)]);
    case 2:
      return Buffer.concat([
        frame('P', '', 'copy fuzz from stdin', int16(0)),
        frame('B', '', '', int16(0), int16(0), int16(0)),
        frame('E', '', int32(0)),
        copyText(r),
        frame('S'),
      ]);
    default: {
      const [sql, types] = r.pick(TYPED);
      const name = r.pick(NAMES);
      const portal = r.pick(NAMES);
      const format = r.int(2);
      const given = types.map((t) => (r.chance(8) ? undefined : typedValue(t, format, r)));
      const fields = given.map((v) => (v === undefined ? int32(-1) : Buffer.concat([int32(v.length), v])));
      const parts = [
        frame('C', Buffer.from('S'), name),
        frame('P', name, sql, int16(0)),
        frame(
          'B',
          portal,
          name,
          int16(1),
          int16(format),
          int16(types.length),
          ...fields,
          int16(1),
          int16(r.int(2)),
        ),
        frame('D', Buffer.from('P'), portal),
        frame('E', portal, int32(r.pick([0, 2, 5]))),
        frame('E', portal, int32(0)),
        frame('C', Buffer.from('P'), portal),
      ];
      return Buffer.concat([...parts.filter(() => !r.chance(12)), ...(r.chance(3) ? [] : [frame('S')])]);
    }
  }
}

const TYPED: readonly (readonly [string, readonly ('int' | 'text' | 'numeric' | 'array' | 'timestamp')[]])[] =
  [
    ['select $1::int + 1', ['int']],
    ['select $1::text, $2::numeric', ['text', 'numeric']],
    ['select $1::int[]', ['array']],
    ['select $1::timestamptz, $2::text', ['timestamp', 'text']],
    ['select a, b, c from fuzz where a < $1::int', ['int']],
    ['insert into fuzz values ($1::int, $2::text, $3::numeric)', ['int', 'text', 'numeric']],
    ['select x from generate_series(1, $1::int) as t(x)', ['int']],
  ];

function typedValue(
  type: 'int' | 'text' | 'numeric' | 'array' | 'timestamp',
  format: number,
  r: Random,
): Buffer {
  if (type === 'text') return r.pick([Buffer.from('abc'), Buffer.from('é€'), randomBytes(r, r.int(9))]);
  if (format === 0)
    return Buffer.from(
      { int: '42', numeric: '12.50', array: '{1,NULL,3}', timestamp: '2024-02-29 12:00+01' }[type],
    );
  const hex = {
    int: '0000002a',
    numeric: '0002000000000002000c1388',
    array: '00000001000000010000001700000002000000010000000400000001ffffffff',
    timestamp: '0002b58341728608',
  }[type];
  const bytes = Buffer.from(hex, 'hex');
  return r.chance(3) ? broken(bytes, r) : bytes;
}

function values(r: Random): Buffer[] {
  return Array.from({ length: r.int(4) }, () => {
    const v = r.pick([
      undefined,
      Buffer.from('7'),
      Buffer.from('x'),
      int32(5),
      randomBytes(r, r.int(24)),
      Buffer.from('{1,2}'),
    ]);
    return v === undefined ? int32(-1) : Buffer.concat([int32(v.length), v]);
  });
}

const codes = (r: Random): Buffer => {
  const list = Array.from({ length: r.int(3) }, () => int16(r.pick([0, 1, 0, 1, 2])));
  return Buffer.concat([int16(list.length), ...list]);
};

function bind(r: Random): Buffer {
  const given = values(r);
  return frame('B', r.pick(NAMES), r.pick(NAMES), codes(r), int16(given.length), ...given, codes(r));
}

function functionCall(r: Random): Buffer {
  const given = values(r);
  const oid = r.pick([100_000 + r.int(700), 0, r.int(5000)]);
  return frame('F', int32(oid), codes(r), int16(given.length), ...given, int16(r.pick([0, 1, 0, 1, 9])));
}

function copyText(r: Random): Buffer {
  const lines = Array.from({ length: r.int(20) }, () =>
    r.pick(['1\ta\t2.5\n', '2\t\\N\t\\N\n', 'x\n', '1,"a",3\n', '\\.\n', '"\n']),
  );
  return Buffer.concat([frame('d', Buffer.from(lines.join(''))), frame('c')]);
}

function copyBinary(r: Random): Buffer {
  const row = Buffer.concat([int16(3), int32(4), int32(r.int(100)), int32(1), Buffer.from('t'), int32(-1)]);
  const bytes = Buffer.concat([BINARY_HEADER, ...Array.from({ length: r.int(9) }, () => row), int16(-1)]);
  const data = r.chance(2) ? bytes : broken(bytes, r);
  return Buffer.concat([...cut(data, r).map((p) => frame('d', p)), frame('c')]);
}

function randomBytes(r: Random, count: number): Buffer {
  return Buffer.from(Array.from({ length: count }, () => r.int(256)));
}

/** Bytes changed, left out, put in, or said to be more than there are. */
function broken(bytes: Buffer, r: Random): Buffer {
  let b: Buffer = Buffer.from(bytes);
  for (let n = 1 + r.int(4); n > 0 && b.length > 0; n--) {
    const at = r.int(b.length);
    switch (r.int(5)) {
      case 0:
        b[at] = r.int(256);
        break;
      case 1:
        b = Buffer.concat([b.subarray(0, at), b.subarray(at + 1 + r.int(8))]);
        break;
      case 2:
        b = Buffer.concat([b.subarray(0, at), randomBytes(r, 1 + r.int(8)), b.subarray(at)]);
        break;
      case 3:
        b = b.subarray(0, at);
        break;
      default:
        if (at + 4 <= b.length)
          b.writeInt32BE(r.pick([-1, 0, 3, 4, 0x7fffffff, -2147483648, 1 << 28, 65536]), at);
    }
  }
  return b;
}

function cut(bytes: Buffer, r: Random): Buffer[] {
  const sizeMax = r.pick([1, 7, 100, 4096, 1 << 20]);
  const pieces: Buffer[] = [];
  // Single bytes of long scripts would be a test of patience.
  for (let at = 0; at < bytes.length; ) {
    const size = bytes.length > 2000 && sizeMax < 100 ? 100 : 1 + r.int(sizeMax);
    pieces.push(bytes.subarray(at, at + size));
    at += size;
  }
  return pieces;
}

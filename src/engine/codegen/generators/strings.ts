/** String functions over UTF-8 bytes. Substrings and trims share the bytes of their argument, so they are as stable. */
import { BOOL, INT4, type SqlType, TEXT } from '../../../types/sql-type.js';
import { unpadded } from '../compare.js';
import type { LibFunction } from '../context.js';
import type { Emitter } from '../emitter.js';
import { guarded } from '../guard.js';
import { memEqual } from '../lib/strings.js';
import { asciiCase, charLength, concat, findBytes, isAscii, sliceChars, trimEnds } from '../lib/text.js';
import { isConstVal, type Operand, type Val } from '../val.js';
import { fastOrHost } from './fallback.js';
import type { Generator } from './table.js';

function pushBytes(e: Emitter, str: Operand): void {
  e.push(str).i64(32n).op('i64.shr_u').op('i32.wrap_i64');
}

/** substring(text, start [, length]), by characters from 1. */
const substring: Generator = (e, args, x) => {
  const [s, start, length] = args;
  const f = e.f;
  const result = { type: TEXT, repr: 'str' as const, stable: s.stable };
  const slice = (): void => {
    e.push(s.parts[0]);
    e.push(start.parts[0]).op('i64.extend_i32_s').i64(1n).op('i64.sub');
    const from = e.save('i64');
    f.get(from);
    if (length === undefined) f.i64(1n << 40n);
    else {
      f.get(from);
      e.push(length.parts[0]).op('i64.extend_i32_s').op('i64.add');
    }
    f.call(e.ctx.lib(sliceChars));
  };
  if (
    length === undefined ||
    (isConstVal(length) && Number((length.parts[0] as { const: number }).const) >= 0)
  )
    return guarded(e, args, result, slice);
  // A negative length is an error that the TypeScript function words.
  return fastOrHost(
    e,
    args,
    x,
    { ...result, stable: false },
    () => e.push(length.parts[0]).i32(0).op('i32.ge_s'),
    slice,
  );
};

/** left and right with a negative count leave that many characters out at the other end. */
function side(right: boolean): Generator {
  return (e, args) => {
    const [s, n] = args;
    const f = e.f;
    return guarded(e, args, { type: TEXT, repr: 'str', stable: s.stable }, () => {
      e.push(n.parts[0]).op('i64.extend_i32_s');
      const count = e.save('i64');
      const length = e.local('i64');
      e.push(s.parts[0]).call(e.ctx.lib(charLength)).op('i64.extend_i32_u').set(length);
      e.push(s.parts[0]);
      const cut = (): void => {
        f.get(length).get(count);
      };
      if (right) {
        cut();
        f.op('i64.sub')
          .i64(0n)
          .get(count)
          .op('i64.sub')
          .get(count)
          .i64(0n)
          .op('i64.ge_s')
          .op('select')
          .get(length);
      } else {
        f.i64(0n).get(count);
        cut();
        f.op('i64.add').get(count).i64(0n).op('i64.ge_s').op('select');
      }
      f.call(e.ctx.lib(sliceChars));
    });
  };
}

function lengthOf(padded: boolean, count: (e: Emitter, str: Operand) => void): Generator {
  return (e, args) => {
    const [s] = args;
    const range = { min: 0n, max: 1n << 30n };
    return guarded(e, args, { type: INT4, repr: 'i32', range }, () => {
      count(e, padded ? unpadded(e, s).parts[0] : s.parts[0]);
    });
  };
}

const characters = (e: Emitter, str: Operand): void => {
  e.push(str).call(e.ctx.lib(charLength));
};

function trim(atLeft: 0 | 1, atRight: 0 | 1): Generator {
  return (e, args) =>
    guarded(e, args, { type: TEXT, repr: 'str', stable: args[0].stable }, () => {
      e.push(args[0].parts[0]).i32(atLeft).i32(atRight).call(e.ctx.lib(trimEnds));
    });
}

function changeCase(lib: LibFunction): Generator {
  return (e, args, x) =>
    fastOrHost(
      e,
      args,
      x,
      { type: TEXT, repr: 'str' },
      () => e.push(args[0].parts[0]).call(e.ctx.lib(isAscii)),
      () => {
        e.f.get(e.qs).get(e.ws);
        e.push(args[0].parts[0]).call(e.ctx.lib(lib));
      },
    );
}

/** An operand of || that is a string by itself: char(n) loses its padding, anything else is for the cast to text. */
function asText(e: Emitter, v: Val): Operand | undefined {
  const kinds: readonly SqlType['kind'][] = ['text', 'varchar', 'name', 'bpchar', 'unknown'];
  return kinds.includes(v.type.kind) ? unpadded(e, v).parts[0] : undefined;
}

const concatenate: Generator = (e, args) => {
  const strings: readonly SqlType['kind'][] = ['text', 'varchar', 'name', 'bpchar'];
  if (!args.every((a) => strings.includes(a.type.kind))) return undefined;
  if (args.some((a) => a.type.kind === 'bpchar' && isConstVal(a))) return undefined;
  return guarded(e, args, { type: TEXT, repr: 'str' }, () => {
    const [a, b] = args.map((v) => asText(e, v)!);
    e.f.get(e.qs).get(e.ws);
    e.push(a);
    e.push(b).call(e.ctx.lib(concat));
  });
};

/** Does the first string begin with the second? Bytes decide, characters cannot differ from them. */
const startsWith: Generator = (e, args) =>
  guarded(e, args, { type: BOOL, repr: 'i32' }, () => {
    const [s, prefix] = args.map((v) => v.parts[0]);
    const f = e.f;
    pushBytes(e, s);
    pushBytes(e, prefix);
    f.op('i32.ge_u');
    f.if(
      () => {
        e.push(s).op('i32.wrap_i64');
        e.push(prefix).op('i32.wrap_i64');
        pushBytes(e, prefix);
        f.call(e.ctx.lib(memEqual));
      },
      () => f.i32(0),
      'i32',
    );
  });

/** Position of the second string in the first, in characters from 1; 0 when it is not there. */
const position: Generator = (e, args) =>
  guarded(e, args, { type: INT4, repr: 'i32', range: { min: 0n, max: 1n << 30n } }, () => {
    const [s, part] = args.map((v) => v.parts[0]);
    const f = e.f;
    pushBytes(e, part);
    f.op('i32.eqz');
    f.if(
      () => f.i32(1),
      () =>
        e.scoped(() => {
          e.push(s).op('i32.wrap_i64');
          const start = e.save('i32');
          f.get(start).get(start);
          pushBytes(e, s);
          f.op('i32.add');
          e.push(part).op('i32.wrap_i64');
          pushBytes(e, part);
          f.call(e.ctx.lib(findBytes));
          const at = e.save('i32');
          f.get(at);
          f.if(
            () => {
              f.get(start).op('i64.extend_i32_u').get(at).get(start).op('i32.sub').op('i64.extend_i32_u');
              f.i64(32n).op('i64.shl').op('i64.or').call(e.ctx.lib(charLength)).i32(1).op('i32.add');
            },
            () => f.i32(0),
            'i32',
          );
        }),
      'i32',
    );
  });

export const stringGenerators: readonly (readonly [string, Generator])[] = [
  ['substring(text,int4,int4)', substring],
  ['substring(text,int4)', substring],
  ['substr(text,int4,int4)', substring],
  ['substr(text,int4)', substring],
  ['left(text,int4)', side(false)],
  ['right(text,int4)', side(true)],
  ...['length', 'char_length', 'character_length'].flatMap((n): (readonly [string, Generator])[] => [
    [`${n}(text)`, lengthOf(false, characters)],
    [`${n}(bpchar)`, lengthOf(true, characters)],
  ]),
  ['octet_length(text)', lengthOf(false, pushBytes)],
  ['octet_length(bpchar)', lengthOf(false, pushBytes)],
  ['btrim(text)', trim(1, 1)],
  ['ltrim(text)', trim(1, 0)],
  ['rtrim(text)', trim(0, 1)],
  ['upper(text)', changeCase(asciiCase('upper'))],
  ['lower(text)', changeCase(asciiCase('lower'))],
  ['||(text,text)', concatenate],
  ...['any', 'anynonarray'].flatMap((any): (readonly [string, Generator])[] => [
    [`||(text,${any})`, concatenate],
    [`||(${any},text)`, concatenate],
  ]),
  ['starts_with(text,text)', startsWith],
  ['^@(text,text)', startsWith],
  ['strpos(text,text)', position],
  ['position(text,text)', position],
];

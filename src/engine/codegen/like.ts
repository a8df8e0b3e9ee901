/** LIKE and ILIKE. A constant pattern is taken apart at compile time: its fixed pieces become comparisons at the ends
 *  and searches in between, all on bytes (UTF-8 has no false matches). Patterns with `_`, and patterns known only at run
 *  time, go to a general matcher; case folding outside of ASCII to TypeScript. */
import type { Expr } from '../../plan/expr.js';
import { SqlError } from '../../types/sql-error.js';
import { TEXT } from '../../types/sql-type.js';
import { constString, constVal } from './constants.js';
import type { LibFunction } from './context.js';
import type { Emitter } from './emitter.js';
import { callHostHelper } from './host-emit.js';
import { findConstant, likeGeneral } from './lib/like.js';
import { pushLength } from './lib/strings.js';
import { asciiCase, isAscii } from './lib/text.js';
import { type LikeToken, parseLike } from './like-pattern.js';
import { constantText, pushBytesAt } from './string-const.js';
import { i64Const, type Operand, type Val } from './val.js';

type LikeExpr = Extract<Expr, { kind: 'like' }>;

/** Leaves i32 1 exactly when the expression is `truth`; operands are not null. */
export function emitLikeTest(e: Emitter, x: LikeExpr, arg: Val, pattern: Val, truth: boolean): void {
  const text = constantText(x.pattern);
  const tokens = text === undefined ? undefined : parsed(text, x.escape);
  if (x.caseInsensitive) ilike(e, x, arg, pattern, text, tokens);
  else if (tokens?.every((t) => t.kind !== 'one')) {
    e.f.get(e.qs);
    e.push(arg.parts[0]).call(e.ctx.lib(matcher(tokens)));
  } else general(e, x, arg, pattern);
  if (truth === x.negated) e.f.op('i32.eqz');
}

/** Undefined for a pattern that is an error: it is raised when a row is matched, not before. */
function parsed(text: string, escapeWith: string): readonly LikeToken[] | undefined {
  try {
    return parseLike(text, escapeWith);
  } catch (error) {
    if (error instanceof SqlError) return undefined;
    throw error;
  }
}

function host(e: Emitter, x: LikeExpr, arg: Val, pattern: Val): void {
  callHostHelper(e, x.caseInsensitive ? '$ilike' : '$like', [arg, pattern, constVal(e, x.escape, TEXT)]);
}

/** The general matcher; 2 says that the pattern ended in its escape, which the TypeScript function reports. */
function general(e: Emitter, x: LikeExpr, arg: Val, pattern: Val): void {
  const f = e.f;
  const escapeBytes = new TextEncoder().encode(x.escape);
  if (escapeBytes.length > 1) {
    host(e, x, arg, pattern);
    return;
  }
  e.push(arg.parts[0]);
  e.push(pattern.parts[0])
    .i32(escapeBytes[0] ?? -1)
    .call(e.ctx.lib(likeGeneral));
  const r = e.save('i32');
  f.get(r).i32(2).op('i32.eq');
  f.if(
    () => e.scoped(() => host(e, x, arg, pattern)),
    () => f.get(r),
    'i32',
  );
}

/** An ASCII string against an ASCII pattern: lower case both, then LIKE. */
function ilike(
  e: Emitter,
  x: LikeExpr,
  arg: Val,
  pattern: Val,
  text: string | undefined,
  tokens: readonly LikeToken[] | undefined,
): void {
  const f = e.f;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the ASCII range.
  if (text === undefined || tokens === undefined || !/^[\x00-\x7f]*$/.test(text)) {
    host(e, x, arg, pattern);
    return;
  }
  const lowered = tokens.map((t) => (t.kind === 'text' ? { kind: t.kind, text: t.text.toLowerCase() } : t));
  e.push(arg.parts[0]).call(e.ctx.lib(isAscii));
  f.if(
    () =>
      e.scoped(() => {
        f.get(e.qs).get(e.ws);
        e.push(arg.parts[0]).call(e.ctx.lib(asciiCase('lower')));
        const low = e.save('i64');
        if (lowered.every((t) => t.kind !== 'one'))
          f.get(e.qs)
            .get(low)
            .call(e.ctx.lib(matcher(lowered)));
        else {
          f.get(low);
          e.push(patternString(e, lowered)).i32(92).call(e.ctx.lib(likeGeneral));
        }
      }),
    () => e.scoped(() => host(e, x, arg, pattern)),
    'i32',
  );
}

/** The tokens as a pattern again, escaped by backslashes. */
function patternString(e: Emitter, tokens: readonly LikeToken[]): Operand {
  const text = tokens
    .map((t) =>
      t.kind === 'any' ? '%' : t.kind === 'one' ? '_'.repeat(t.count) : t.text.replace(/[\\%_]/g, '\\$&'),
    )
    .join('');
  return text === '' ? i64Const(0n) : constString(e, new TextEncoder().encode(text));
}

/** (qs, str) -> 1 when the string matches fixed pieces around `%`s. */
function matcher(tokens: readonly LikeToken[]): LibFunction {
  const encoder = new TextEncoder();
  const texts = tokens.flatMap((t) => (t.kind === 'text' ? [encoder.encode(t.text)] : []));
  const anchoredLeft = tokens[0]?.kind === 'text';
  const anchoredRight = tokens.at(-1)?.kind === 'text';
  const exact = tokens.every((t) => t.kind === 'text');
  const needed = texts.reduce((sum, t) => sum + t.length, 0);
  return {
    name: `like ${tokens.map((t) => (t.kind === 'text' ? JSON.stringify(t.text) : '%')).join('')}`,
    params: ['i32', 'i64'],
    results: ['i32'],
    build(f, ctx) {
      const [qs, str] = f.params;
      const start = f.local('i32');
      const end = f.local('i32');
      const length = f.local('i32');
      const orNo = (): void => {
        f.op('i32.eqz').if(() => f.i32(0).return());
      };
      pushLength(f, str).tee(length).i32(needed);
      f.op(exact ? 'i32.eq' : 'i32.ge_u');
      orNo();
      f.get(str).op('i32.wrap_i64').tee(start).get(length).op('i32.add').set(end);
      const middle = [...texts];
      const first = anchoredLeft ? middle.shift() : undefined;
      const last = anchoredRight && !exact ? middle.pop() : undefined;
      if (first !== undefined) {
        pushBytesAt(f, ctx, qs, () => f.get(start), 0, first);
        orNo();
        f.get(start).i32(first.length).op('i32.add').set(start);
      }
      if (last !== undefined) {
        f.get(end).i32(last.length).op('i32.sub').set(end);
        pushBytesAt(f, ctx, qs, () => f.get(end), 0, last);
        orNo();
      }
      for (const piece of middle) {
        f.get(qs)
          .get(start)
          .get(end)
          .call(ctx.lib(findConstant(piece)))
          .tee(start);
        orNo();
        f.get(start).i32(piece.length).op('i32.add').set(start);
      }
      f.i32(1);
    },
  };
}

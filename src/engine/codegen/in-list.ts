/** `x IN (list)`: chains of comparisons for short lists, bit sets for dense integers, sorted tables in the query state
 *  for long lists of integers, hash tables for long lists of strings. */
import type { Expr } from '../../plan/expr.js';
import { isInterval, isNumeric } from '../../types/value.js';
import { emitComparison } from './compare.js';
import type { Emitter } from './emitter.js';
import { whenPresent } from './guard.js';
import { emitEqualsBytes, prepareForText } from './string-const.js';
import { stringSet, stringSetHas } from './string-set.js';
import { isAlwaysNull, type Operand, type Val } from './val.js';

type InExpr = Extract<Expr, { kind: 'in' }>;

const CHAIN_MAX = 4;
/** Longer lists of strings become hash tables. */
const STRINGS_MAX = 8;
const BITSET_MAX = 1 << 16;

/** Leaves i32 1 exactly when the expression is `truth`. */
export function emitInTest(e: Emitter, x: InExpr, truth: boolean): void {
  const f = e.f;
  const wantMember = truth !== x.negated;
  const members = x.list.filter((m) => !(m.kind === 'const' && m.value === null));
  const hasNull = members.length < x.list.length;
  // "Not a member" is unknown when the list has a null.
  if (!wantMember && hasNull) {
    f.i32(0);
    return;
  }
  const arg = e.emit(x.arg);
  const constants = members.every((m) => m.kind === 'const');
  whenPresent(e, [arg], arg, () => {
    if (constants && emitConstantMember(e, arg, members)) {
      if (!wantMember) f.op('i32.eqz');
      return;
    }
    chain(e, arg, members, wantMember);
  });
}

/** One comparison after the other; a null member makes "not a member" unknown, hence false. */
function chain(e: Emitter, arg: Val, members: readonly Expr[], wantMember: boolean): void {
  const f = e.f;
  f.block((decided) => {
    const step = (x: Expr): void => {
      const m = e.emit(x);
      if (!isAlwaysNull(m)) {
        f.i32(wantMember ? 1 : 0);
        whenPresent(e, [m], m, () => emitComparison(e, '=', arg, m));
        f.brIf(decided).op('drop');
      }
      if (wantMember || m.isNull === undefined) return;
      f.i32(0);
      e.pushNull(m).brIf(decided).op('drop');
    };
    // Only the first member is certain to be evaluated.
    if (members.length > 0) step(members[0]);
    e.scoped(() => members.slice(1).forEach(step));
    f.i32(wantMember ? 0 : 1);
  }, 'i32');
}

/** Membership in constants; false when there is no better way than a chain. */
function emitConstantMember(e: Emitter, arg: Val, members: readonly Expr[]): boolean {
  if (arg.repr === 'str' && arg.type.kind !== 'numeric') {
    const texts = new Set<string>();
    for (const m of members) {
      if (m.kind !== 'const' || typeof m.value !== 'string') return false;
      texts.add(m.value);
    }
    stringMember(e, arg, [...texts]);
    return true;
  }
  if (arg.repr === 'i32' || arg.repr === 'i64') {
    const numbers = integers(arg, members);
    if (numbers === undefined) return false;
    integerMember(e, arg, numbers);
    return true;
  }
  return false;
}

/** The members as integers of the argument's register; values it cannot take are left out. */
function integers(arg: Val, members: readonly Expr[]): readonly bigint[] | undefined {
  const found = new Set<bigint>();
  for (const m of members) {
    if (m.kind !== 'const' || m.value === null) return undefined;
    const v = m.value;
    if (typeof v === 'bigint') found.add(v);
    else if (typeof v === 'number') found.add(BigInt(arg.repr === 'i32' ? v | 0 : v));
    else if (typeof v === 'boolean') found.add(v ? 1n : 0n);
    else if (isInterval(v) || typeof v === 'string' || v instanceof Uint8Array) return undefined;
    else if (isNumeric(v)) {
      if (arg.type.kind !== 'numeric' || arg.type.scale === undefined || !('unscaled' in v)) return undefined;
      let { unscaled, scale } = v;
      for (; scale > arg.type.scale && unscaled % 10n === 0n; scale--) unscaled /= 10n;
      // More digits than the argument has: never equal.
      if (scale > arg.type.scale) continue;
      unscaled *= 10n ** BigInt(arg.type.scale - scale);
      if (BigInt.asIntN(64, unscaled) === unscaled) found.add(unscaled);
    } else return undefined;
  }
  return [...found].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
}

function pushInteger(e: Emitter, repr: 'i32' | 'i64', n: bigint): void {
  if (repr === 'i32') e.f.i32(Number(n));
  else e.f.i64(n);
}

function integerMember(e: Emitter, arg: Val, sorted: readonly bigint[]): void {
  const f = e.f;
  const repr = arg.repr as 'i32' | 'i64';
  if (sorted.length === 0) {
    f.i32(0);
    return;
  }
  if (sorted.length <= CHAIN_MAX) {
    sorted.forEach((n, i) => {
      e.push(arg.parts[0]);
      pushInteger(e, repr, n);
      f.op(`${repr}.eq`);
      if (i > 0) f.op('i32.or');
    });
    return;
  }
  const [min, max] = [sorted[0], sorted[sorted.length - 1]];
  const span = max - min;
  e.push(arg.parts[0]);
  pushInteger(e, repr, min);
  f.op(`${repr}.sub`);
  const at = e.save(repr);
  if (span < BigInt(BITSET_MAX)) {
    const bits = new Uint8Array(Number(span >> 3n) + 1);
    for (const n of sorted) bits[Number((n - min) >> 3n)] |= 1 << Number((n - min) & 7n);
    const offset = e.ctx.dataBytes(bits);
    f.get(at);
    pushInteger(e, repr, span);
    f.op(`${repr}.le_u`);
    f.if(
      () => {
        const index = (): void => {
          f.get(at);
          if (repr === 'i64') f.op('i32.wrap_i64');
        };
        f.get(e.qs);
        index();
        f.i32(3).op('i32.shr_u').op('i32.add').mem('i32.load8_u', offset);
        index();
        f.i32(7).op('i32.and').op('i32.shr_u').i32(1).op('i32.and');
      },
      () => f.i32(0),
      'i32',
    );
    return;
  }
  sortedMember(e, arg, sorted, repr);
}

/** Branch-free binary search over a sorted table of i64. */
function sortedMember(e: Emitter, arg: Val, sorted: readonly bigint[], repr: 'i32' | 'i64'): void {
  const f = e.f;
  const bytes = new Uint8Array(sorted.length * 8);
  const view = new DataView(bytes.buffer);
  sorted.forEach((n, i) => {
    view.setBigInt64(i * 8, n, true);
  });
  const offset = e.ctx.dataBytes(bytes, 8);
  e.push(arg.parts[0]);
  if (repr === 'i32') f.op('i64.extend_i32_s');
  const key = e.save('i64');
  const base = e.local('i32');
  f.get(e.qs).i32(offset).op('i32.add').set(base);
  let n = sorted.length;
  // Invariant: the answer, if any, is among the n entries from base on.
  while (n > 1) {
    const half = n >> 1;
    f.get(base)
      .i32(half * 8)
      .op('i32.add')
      .get(base);
    f.get(base)
      .mem('i64.load', half * 8)
      .get(key)
      .op('i64.le_s')
      .op('select')
      .set(base);
    n -= half;
  }
  f.get(base).mem('i64.load').get(key).op('i64.eq');
}

/** Strings of one length up to eight bytes are compared as integers. */
function wordMember(e: Emitter, str: Operand, members: readonly Uint8Array[], n: number): void {
  const f = e.f;
  const words = members.map((m) => m.reduceRight((word, b) => (word << 8n) | BigInt(b), 0n));
  const sorted = [...new Set(words.map((w) => BigInt.asIntN(64, w)))].sort((a, b) => (a < b ? -1 : 1));
  e.push(str).i64(32n).op('i64.shr_u').op('i32.wrap_i64').i32(n).op('i32.eq');
  f.if(
    () =>
      e.scoped(() => {
        e.push(str).op('i32.wrap_i64');
        const at = e.save('i32');
        const high = (bytes: 1 | 2 | 4): void => {
          if (n === bytes) return;
          f.get(at).mem(`i64.load${bytes * 8}_u` as 'i64.load8_u', n - bytes);
          f.i64(BigInt((n - bytes) * 8))
            .op('i64.shl')
            .op('i64.or');
        };
        // Two loads that may overlap: the bytes they share are the same.
        if (n === 8) f.get(at).mem('i64.load');
        else if (n >= 4) {
          f.get(at).mem('i64.load32_u');
          high(4);
        } else if (n >= 2) {
          f.get(at).mem('i64.load16_u');
          high(2);
        } else f.get(at).mem('i64.load8_u');
        const word: Val = {
          type: { kind: 'int8' },
          repr: 'i64',
          parts: [e.save('i64')],
          isNull: undefined,
          stable: true,
        };
        integerMember(e, word, sorted);
      }),
    () => f.i32(0),
    'i32',
  );
}

/** Strings: by length first, so that most rows fail on one comparison. */
function stringMember(e: Emitter, arg: Val, texts: readonly string[]): void {
  const f = e.f;
  const { str, bytesOf } = prepareForText(e, arg);
  const seen = new Map<string, Uint8Array>();
  for (const t of texts) {
    const b = bytesOf(t);
    if (b !== undefined) seen.set(Buffer.from(b).toString('latin1'), b);
  }
  const all = [...seen.values()];
  if (all.length > STRINGS_MAX) {
    const set = stringSet(e.ctx, all);
    f.get(e.qs).i32(set.offset).op('i32.add').i32(set.mask);
    e.push(str).call(e.ctx.lib(stringSetHas));
    return;
  }
  const n = all[0]?.length ?? 0;
  if (all.length > 1 && n > 0 && n <= 8 && all.every((b) => b.length === n)) {
    wordMember(e, str, all, n);
    return;
  }
  f.block((exit) => {
    for (const bytes of all) {
      f.i32(1);
      emitEqualsBytes(e, str, bytes);
      f.brIf(exit).op('drop');
    }
    f.i32(0);
  }, 'i32');
}

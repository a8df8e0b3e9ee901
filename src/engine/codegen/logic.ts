/** Boolean expressions in three-valued logic.
 *
 *  Two forms: `emitTest` leaves whether an expression is TRUE (or FALSE) and short-circuits: what conditions use;
 *  `emitBoolean` makes a value with a null flag. Fixed-width operands are compared even when they are null (the result
 *  is masked), strings and others that point somewhere are not. */
import type { Expr } from '../../plan/expr.js';
import { exprNullable, negateCmp } from '../../plan/expr-util.js';
import { unreachable } from '../../types/sql-error.js';
import { BOOL, reprOf } from '../../types/sql-type.js';
import { emitComparison } from './compare.js';
import { boolVal } from './constants.js';
import type { Emitter } from './emitter.js';
import { pushTruth, whenPresent } from './guard.js';
import { emitInTest } from './in-list.js';
import { emitLikeTest } from './like.js';
import { emitConstComparison } from './string-const.js';
import { isConst, type Operand, type Val } from './val.js';
import { notDistinct } from './value-ops.js';

type LogicKind = 'and' | 'or' | 'not' | 'cmp' | 'distinct' | 'isnull' | 'istruth' | 'in' | 'like';
export type LogicExpr = Extract<Expr, { kind: LogicKind }>;

const LOGIC: Readonly<Record<LogicKind, true>> = {
  and: true,
  or: true,
  not: true,
  cmp: true,
  distinct: true,
  isnull: true,
  istruth: true,
  in: true,
  like: true,
};

export function isLogic(x: Expr): x is LogicExpr {
  return x.kind in LOGIC;
}

/** Leaves i32 1 exactly when `x` is `truth` (not when it is NULL). */
export function emitTest(e: Emitter, x: Expr, truth: boolean): void {
  const f = e.f;
  if (!isLogic(x)) {
    pushTruth(e, e.emit(x), truth);
    return;
  }
  switch (x.kind) {
    case 'and':
    case 'or':
      // AND is TRUE when all are, FALSE when any is; OR the other way round.
      chain(e, x.args, truth, (x.kind === 'and') === truth);
      return;
    case 'not':
      emitTest(e, x.arg, !truth);
      return;
    case 'cmp': {
      const a = e.emit(x.left);
      const b = e.emit(x.right);
      const op = truth ? x.op : negateCmp(x.op);
      whenPresent(e, [a, b], a, () => {
        if (!emitConstComparison(e, op, a, x.left, b, x.right)) emitComparison(e, op, a, b);
      });
      return;
    }
    case 'distinct': {
      notDistinct(e, e.emit(x.left), e.emit(x.right));
      if (x.negated !== truth) f.op('i32.eqz');
      return;
    }
    case 'isnull':
      e.pushNull(e.emit(x.arg));
      if (x.negated === truth) f.op('i32.eqz');
      return;
    case 'istruth':
      emitTest(e, x.arg, x.truth);
      if (x.negated === truth) f.op('i32.eqz');
      return;
    case 'in':
      emitInTest(e, x, truth);
      return;
    case 'like': {
      const arg = e.emit(x.arg);
      const pattern = e.emit(x.pattern);
      whenPresent(e, [arg, pattern], arg, () => emitLikeTest(e, x, arg, pattern, truth));
      return;
    }
    default:
      unreachable(x);
  }
}

/** All (or any) of the tests hold; each runs only when the ones before it did not decide. */
function chain(e: Emitter, args: readonly Expr[], truth: boolean, all: boolean): void {
  const f = e.f;
  if (args.length === 0) {
    f.i32(all ? 1 : 0);
    return;
  }
  let next = 0;
  const group = (): void => {
    emitTest(e, args[next++], truth);
    // Tests that cost a comparison of registers are cheaper than the branch around them.
    for (; next < args.length && isFree(e, args[next]); next++) {
      emitTest(e, args[next], truth);
      f.op(all ? 'i32.and' : 'i32.or');
    }
  };
  group();
  if (next === args.length) return;
  const result = e.save('i32');
  f.block((decided) => {
    e.scoped(() => {
      while (next < args.length) {
        f.get(result);
        if (all) f.op('i32.eqz');
        f.brIf(decided);
        group();
        f.set(result);
      }
    });
  });
  f.get(result);
}

/** Comparisons of fixed-width columns that are loaded already, and of constants: they cannot fail. */
function isFree(e: Emitter, x: Expr): boolean {
  switch (x.kind) {
    case 'cmp':
    case 'distinct':
      return isFreeOperand(e, x.left) && isFreeOperand(e, x.right);
    case 'not':
    case 'istruth':
      return isFree(e, x.arg);
    case 'isnull':
      return isFreeOperand(e, x.arg);
    case 'and':
    case 'or':
      return x.args.length <= 4 && x.args.every((a) => isFree(e, a));
    case 'col':
      return isFreeOperand(e, x);
    default:
      return false;
  }
}

function isFreeOperand(e: Emitter, x: Expr): boolean {
  if (x.kind === 'const') return x.value === null || reprOf(x.type) !== 'str' || x.type.kind === 'numeric';
  if (x.kind !== 'col') return false;
  const v = e.loaded(x.id);
  return v !== undefined && v.repr !== 'str' && v.repr !== 'i128' && v.repr !== 'interval';
}

/** The boolean as a value. */
export function emitBoolean(e: Emitter, x: LogicExpr): Val {
  const f = e.f;
  if (!exprNullable(x)) {
    emitTest(e, x, true);
    return bool(e.save('i32'), undefined);
  }
  switch (x.kind) {
    case 'and':
    case 'or':
      return emitChain(e, x.args, x.kind === 'and');
    case 'not': {
      const v = e.emit(x.arg);
      e.push(v.parts[0]).op('i32.eqz');
      return bool(e.save('i32'), v.isNull);
    }
    case 'cmp': {
      const a = e.emit(x.left);
      const b = e.emit(x.right);
      const isNull = e.anyNull([a, b]);
      if (isNull !== undefined && isConst(isNull)) return { ...boolVal(false), isNull };
      whenPresent(e, [a, b], a, () => {
        if (!emitConstComparison(e, x.op, a, x.left, b, x.right)) emitComparison(e, x.op, a, b);
      });
      return bool(e.save('i32'), isNull);
    }
    case 'like': {
      const arg = e.emit(x.arg);
      const pattern = e.emit(x.pattern);
      const isNull = e.anyNull([arg, pattern]);
      whenPresent(e, [arg, pattern], arg, () => emitLikeTest(e, x, arg, pattern, true));
      return bool(e.save('i32'), isNull);
    }
    default: {
      // in: TRUE, FALSE or neither.
      emitTest(e, x, true);
      const yes = e.save('i32');
      f.get(yes);
      f.if(
        () => f.i32(0),
        () =>
          e.scoped(() => {
            emitTest(e, x, false);
            f.op('i32.eqz');
          }),
        'i32',
      );
      return bool(yes, e.save('i32'));
    }
  }
}

function bool(value: Operand, isNull: Operand | undefined): Val {
  return { type: BOOL, repr: 'i32', parts: [value], isNull, stable: true };
}

/** AND (OR) of nullable operands: stops at the first FALSE (TRUE), as PostgreSQL does. */
function emitChain(e: Emitter, args: readonly Expr[], isAnd: boolean): Val {
  const f = e.f;
  /** 1 until an operand decided. */
  const open = e.local('i32');
  const sawNull = e.local('i32');
  f.i32(1).set(open).i32(0).set(sawNull);
  const step = (arg: Expr): void => {
    const v = e.emit(arg);
    e.push(v.parts[0]);
    if (!isAnd) f.op('i32.eqz');
    if (v.isNull !== undefined) {
      e.push(v.isNull).op('i32.or');
      f.set(open);
      e.push(v.isNull).get(sawNull).op('i32.or').set(sawNull);
    } else f.set(open);
  };
  args.forEach((arg, i) => {
    if (i === 0) step(arg);
    else {
      f.get(open);
      f.if(() => e.scoped(() => step(arg)));
    }
  });
  f.get(open).get(sawNull).op('i32.and');
  const isNull = e.save('i32');
  // Decided: FALSE for AND, TRUE for OR; open without nulls: the opposite.
  f.get(open);
  if (!isAnd) f.op('i32.eqz');
  return bool(e.save('i32'), isNull);
}

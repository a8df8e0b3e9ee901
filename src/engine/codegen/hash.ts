/** Hashes of values: one for hash tables inside a slice, one that fixes the segment of a row.
 *
 *  Invariant: values that grouping calls equal hash equally, whatever their representation, in the distribution hash;
 *  in the internal hash when both sides have the same type and representation. */
import { NULL_HASH } from '../../types/hash.js';
import type { Local } from '../wasm/module-builder.js';
import { intervalSpan, unpadded } from './compare.js';
import type { Emitter } from './emitter.js';
import { callHostHelper } from './host-emit.js';
import { distributionDecimal, distributionInt64 } from './lib/hash.js';
import { fmix32, strHash, strMurmur } from './lib/strings.js';
import { scaleOf } from './numeric-repr.js';
import type { Operand, Val } from './val.js';
import { fastNumericHash } from './var-arithmetic.js';

const K = -7046029254386353131n; // 0x9e3779b97f4a7c15, odd
const NULL_WORD = 0x6a09e667f3bcc909n;

/** Leaves an i64 that stands for the value: equal values, equal words. */
function pushWord(e: Emitter, v: Val): void {
  const f = e.f;
  const part = v.parts[0];
  switch (v.repr) {
    case 'i32':
      e.push(part).op('i64.extend_i32_u');
      return;
    case 'i64':
      e.push(part);
      // Multiplication moves bits up only: what lies high must come down before it. Not by bounds: they differ
      // between the sides of a join.
      e.push(part);
      f.i64(32n).op('i64.shr_u').op('i64.xor');
      return;
    case 'i128':
      e.push(part);
      e.push(v.parts[1]).i64(K).op('i64.mul').op('i64.xor');
      return;
    case 'f32':
    case 'f64': {
      e.push(part);
      if (v.repr === 'f32') f.op('f64.promote_f32');
      pushCanonicalBits(e);
      return;
    }
    case 'interval': {
      const [low, high] = intervalSpan(e, v);
      e.push(low);
      e.push(high).i64(K).op('i64.mul').op('i64.xor');
      return;
    }
    case 'str':
      if (v.type.kind === 'numeric') fastNumericHash(e, v, () => callHostHelper(e, '$numeric_hash', [v]));
      else e.push(unpadded(e, v).parts[0]).call(e.ctx.lib(strHash));
      f.op('i64.extend_i32_u');
      return;
  }
}

/** f64 on the stack -> its bits, with -0 as 0 and one NaN. */
function pushCanonicalBits(e: Emitter): void {
  const f = e.f;
  // x + 0 turns -0 into 0.
  f.f64(0).op('f64.add');
  const x = e.save('f64');
  f.get(x).op('i64.reinterpret_f64').i64(0x7ff8000000000000n).get(x).get(x).op('f64.eq').op('select');
}

export function internalHashOf(e: Emitter, vals: readonly Val[]): Local {
  const f = e.f;
  const h = e.local('i64');
  vals.forEach((v, i) => {
    if (v.isNull === undefined) pushWord(e, v);
    else {
      e.pushNull(v);
      f.if(
        () => f.i64(NULL_WORD),
        () => e.scoped(() => pushWord(e, v)),
        'i64',
      );
    }
    if (i > 0) f.get(h).op('i64.xor');
    f.i64(K).op('i64.mul').tee(h);
    // The product's high half is the well-mixed one: bring it down.
    f.get(h).i64(32n).op('i64.shr_u').op('i64.xor').set(h);
  });
  if (vals.length === 0) f.i64(0n).set(h);
  f.get(h).op('i32.wrap_i64');
  return e.save('i32');
}

export function distributionHashOf(e: Emitter, vals: readonly Val[]): Local {
  const f = e.f;
  const h = e.local('i32');
  const mix = e.ctx.lib(fmix32);
  vals.forEach((v, i) => {
    if (v.isNull === undefined) pushKeyHash(e, v);
    else {
      e.pushNull(v);
      f.if(
        () => f.i32(NULL_HASH),
        () => e.scoped(() => pushKeyHash(e, v)),
        'i32',
      );
    }
    if (i > 0) f.get(h).i32(5).op('i32.rotl').op('i32.xor');
    f.call(mix).set(h);
  });
  if (vals.length === 0) f.i32(0).set(h);
  return h;
}

function pushKeyHash(e: Emitter, v: Val): void {
  const f = e.f;
  const part: Operand = v.parts[0];
  switch (v.repr) {
    case 'i32':
      if (v.type.kind === 'oid' || v.type.kind.startsWith('reg'))
        e.push(part).op('i64.extend_i32_u').call(e.ctx.lib(distributionInt64));
      else e.push(part).call(e.ctx.lib(fmix32));
      return;
    case 'i64':
      if (v.type.kind === 'numeric') {
        e.push(part);
        f.i32(scaleOf(v.type) ?? 0).call(e.ctx.lib(distributionDecimal));
      } else e.push(part).call(e.ctx.lib(distributionInt64));
      return;
    case 'f32':
    case 'f64':
      e.push(part);
      if (v.repr === 'f32') f.op('f64.promote_f32');
      pushCanonicalBits(e);
      f.call(e.ctx.lib(distributionInt64));
      return;
    case 'interval': {
      const [low] = intervalSpan(e, v);
      e.push(low).call(e.ctx.lib(distributionInt64));
      return;
    }
    case 'i128':
      fastNumericHash(e, v, () => callHostHelper(e, '$numeric_hash', [v]));
      return;
    case 'str':
      if (v.type.kind === 'numeric') fastNumericHash(e, v, () => callHostHelper(e, '$numeric_hash', [v]));
      else e.push(unpadded(e, v).parts[0]).call(e.ctx.lib(strMurmur));
      return;
  }
}

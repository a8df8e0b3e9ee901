/** Functions that compiled COPY parsers call: escapes, quotes, dates, and the scan that sizes a batch.
 *
 *  Functions that move through the input return the new place in it (low half) and the new end of the output (high
 *  half), or -1 when they decline. */
import type { CopyOptions } from '../../types/copy-options.js';
import { BATCH_COLUMN_BYTES } from '../../types/memory.js';
import type { Func, FunctionBuilder, Local, ModuleBuilder } from '../wasm/module-builder.js';

export const NO_DATE = -0x80000000;

export class CopyLib {
  /** (batch, row, offset of the column's descriptor) */
  readonly setNull: Func;
  /** (address, bytes) -> characters */
  readonly characters: Func;
  /** (at) -> days since 1970-01-01, or NO_DATE when there is no `YYYY-MM-DD`. */
  readonly date: Func;
  /** (at, out, end) -> places: a field of text with backslashes, up to its delimiter or newline. */
  readonly unescape: Func;
  /** (at, out, end) -> places: a CSV field that starts with a quote. */
  readonly unquote: Func;

  constructor(m: ModuleBuilder, options: CopyOptions) {
    this.setNull = buildSetNull(m);
    this.characters = buildCharacters(m);
    this.date = buildDate(m);
    this.unescape = buildUnescape(m, options.delimiter.charCodeAt(0));
    this.unquote = buildUnquote(m, options.quote.charCodeAt(0), options.escape.charCodeAt(0));
    buildScan(m);
  }
}

function buildSetNull(m: ModuleBuilder): Func {
  const f = m.func(['i32', 'i32', 'i32'], []);
  const [batch, row, base] = f.params as [Local, Local, Local];
  const byte = f.local('i32');
  f.get(batch)
    .get(base)
    .op('i32.add')
    .tee(base)
    .i32(1)
    .mem('i32.store', BATCH_COLUMN_BYTES - 8);
  f.get(base).mem('i32.load', 4).get(row).i32(3).op('i32.shr_u').op('i32.add').tee(byte);
  f.get(byte).mem('i32.load8_u');
  f.i32(1).get(row).i32(7).op('i32.and').op('i32.shl').i32(-1).op('i32.xor').op('i32.and');
  f.mem('i32.store8');
  return f.func;
}

function buildCharacters(m: ModuleBuilder): Func {
  const f = m.func(['i32', 'i32'], ['i32']);
  const [at, bytes] = f.params as [Local, Local];
  const end = f.local('i32');
  const n = f.local('i32');
  f.get(at).get(bytes).op('i32.add').set(end);
  f.while(
    () => f.get(at).get(end).op('i32.lt_u'),
    () => {
      f.get(n).get(at).mem('i32.load8_s').i32(-65).op('i32.gt_s').op('i32.add').set(n);
      f.get(at).i32(1).op('i32.add').set(at);
    },
  );
  f.get(n);
  return f.func;
}

/** All eight bytes `YYYY-MM-` are checked at once: each byte less its smallest, then a carry out of its largest. */
function buildDate(m: ModuleBuilder): Func {
  const f = m.func(['i32'], ['i32']);
  const [at] = f.params as [Local];
  const d = f.local('i64');
  const [year, month, day] = [f.local('i32'), f.local('i32'), f.local('i32')];
  const digit = (byte: number): FunctionBuilder =>
    f
      .get(d)
      .i64(BigInt(byte * 8))
      .op('i64.shr_u')
      .op('i32.wrap_i64')
      .i32(15)
      .op('i32.and');
  const two = (byte: number): FunctionBuilder => {
    digit(byte).i32(10).op('i32.mul');
    return digit(byte + 1).op('i32.add');
  };
  f.block((bad) => {
    f.get(at).mem('i64.load').i64(0x2d30302d30303030n).op('i64.sub').tee(d);
    f.get(d).i64(0x7f76767f76767676n).op('i64.add').op('i64.or');
    f.i64(-0x7f7f7f7f7f7f7f80n).op('i64.and').i64(0n).op('i64.ne').brIf(bad);
    two(0).i32(100).op('i32.mul');
    two(2).op('i32.add').tee(year).op('i32.eqz').brIf(bad);
    two(5).tee(month).i32(1).op('i32.sub').i32(12).op('i32.ge_u').brIf(bad);
    const ones = f.local('i32');
    f.get(at).mem('i32.load8_u', 8).i32(48).op('i32.sub').tee(day).i32(9).op('i32.gt_u').brIf(bad);
    f.get(at).mem('i32.load8_u', 9).i32(48).op('i32.sub').tee(ones).i32(9).op('i32.gt_u').brIf(bad);
    f.get(day).i32(10).op('i32.mul').get(ones).op('i32.add').tee(day);
    f.op('i32.eqz').brIf(bad);
    f.get(day)
      .i32(28)
      .op('i32.gt_u')
      .if(() => {
        f.get(day).i32(31).op('i32.gt_u').brIf(bad);
        f.get(month)
          .i32(2)
          .op('i32.eq')
          .if(
            () => {
              f.get(day).i32(29).op('i32.ne').brIf(bad);
              // Divisible by 4, and by 100 only if by 400.
              f.get(year).i32(3).op('i32.and').brIf(bad);
              f.get(year).i32(100).op('i32.rem_u').op('i32.eqz');
              f.get(year).i32(400).op('i32.rem_u').i32(0).op('i32.ne').op('i32.and').brIf(bad);
            },
            () => {
              f.get(day).i32(31).op('i32.eq');
              // Bit m is set for the months of 31 days.
              f.i32(0x15aa)
                .get(month)
                .op('i32.shr_u')
                .i32(1)
                .op('i32.and')
                .op('i32.eqz')
                .op('i32.and')
                .brIf(bad);
            },
          );
      });
    // Years that start in March: leap days come last.
    const y = f.local('i32');
    f.get(year).get(month).i32(3).op('i32.lt_u').op('i32.sub').set(y);
    f.get(month).i32(9).op('i32.add').i32(12).op('i32.rem_u').i32(153).op('i32.mul').i32(2).op('i32.add');
    f.i32(5).op('i32.div_u').get(day).op('i32.add');
    f.get(y).i32(365).op('i32.mul').op('i32.add');
    f.get(y).i32(2).op('i32.shr_u').op('i32.add');
    f.get(y).i32(100).op('i32.div_u').op('i32.sub');
    f.get(y).i32(400).op('i32.div_u').op('i32.add');
    f.i32(719469).op('i32.sub').return();
  });
  f.i32(NO_DATE);
  return f.func;
}

function pushPlaces(f: FunctionBuilder, at: Local, out: Local): void {
  f.get(at).op('i64.extend_i32_u').get(out).op('i64.extend_i32_u').i64(32n).op('i64.shl').op('i64.or');
}

function buildUnescape(m: ModuleBuilder, delimiter: number): Func {
  const f = m.func(['i32', 'i32', 'i32'], ['i64']);
  const [at, out, end] = f.params as [Local, Local, Local];
  const c = f.local('i32');
  f.block((bad) => {
    f.loop((again) => {
      f.get(at).get(end).op('i32.ge_u').brIf(bad);
      f.get(at).mem('i32.load8_u').set(c);
      f.block((finished) => {
        f.get(c).i32(delimiter).op('i32.eq').brIf(finished);
        f.get(c).i32(10).op('i32.eq').brIf(finished);
        f.get(c).i32(13).op('i32.eq').brIf(bad);
        f.get(c)
          .i32(92)
          .op('i32.eq')
          .if(() => {
            f.get(at).i32(1).op('i32.add').tee(at).mem('i32.load8_u').set(c);
            // A raw newline or carriage return, and bytes given by number: rare.
            for (const rare of [10, 13, 120]) f.get(c).i32(rare).op('i32.eq').brIf(bad);
            f.get(c).i32(48).op('i32.sub').i32(8).op('i32.lt_u').brIf(bad);
            for (const [letter, byte] of [
              ['b', 8],
              ['f', 12],
              ['n', 10],
              ['r', 13],
              ['t', 9],
              ['v', 11],
            ] as const)
              f.i32(byte).get(c).get(c).i32(letter.charCodeAt(0)).op('i32.eq').op('select').set(c);
            // The letters give control characters; a byte that became a letter's code is none of them.
          });
        f.get(out).get(c).mem('i32.store8');
        f.get(out).i32(1).op('i32.add').set(out);
        f.get(at).i32(1).op('i32.add').set(at).br(again);
      });
    });
    pushPlaces(f, at, out);
    f.return();
  });
  f.i64(-1n);
  return f.func;
}

function buildUnquote(m: ModuleBuilder, quote: number, escapeByte: number): Func {
  const f = m.func(['i32', 'i32', 'i32'], ['i64']);
  const [at, out, end] = f.params as [Local, Local, Local];
  const c = f.local('i32');
  f.get(at).i32(1).op('i32.add').set(at);
  f.block((bad) => {
    f.loop((again) => {
      f.get(at).get(end).op('i32.ge_u').brIf(bad);
      f.get(at).mem('i32.load8_u').set(c);
      f.get(at).i32(1).op('i32.add').set(at);
      f.block((plain) => {
        if (escapeByte !== quote) f.get(c).i32(escapeByte).op('i32.eq').brIf(bad);
        f.get(c).i32(quote).op('i32.ne').brIf(plain);
        if (escapeByte === quote) {
          f.get(at)
            .mem('i32.load8_u')
            .i32(quote)
            .op('i32.eq')
            .if(() => {
              f.get(out).get(c).mem('i32.store8').get(out).i32(1).op('i32.add').set(out);
              f.get(at).i32(1).op('i32.add').set(at).br(again);
            });
        }
        pushPlaces(f, at, out);
        f.return();
      });
      f.get(out).get(c).mem('i32.store8').get(out).i32(1).op('i32.add').set(out).br(again);
    });
  });
  f.i64(-1n);
  return f.func;
}

/** Sixteen bytes at a time; bytes past the end do not count. */
function buildScan(m: ModuleBuilder): void {
  const f = m.func(['i32', 'i32'], ['i64'], 'scan');
  const [at, end] = f.params as [Local, Local];
  const v = f.local('v128');
  const mask = f.local('i32');
  const lines = f.local('i32');
  const high = f.local('i32');
  const zero = f.local('i32');
  const newline = f.local('v128');
  const none = f.local('v128');
  f.i32(10).op('i8x16.splat').set(newline);
  f.while(
    () => f.get(at).get(end).op('i32.lt_u'),
    () => {
      f.i32(-1).set(mask);
      f.get(end)
        .get(at)
        .op('i32.sub')
        .i32(16)
        .op('i32.lt_u')
        .if(() => {
          f.i32(1).get(end).get(at).op('i32.sub').op('i32.shl').i32(1).op('i32.sub').set(mask);
        });
      f.get(at).mem('v128.load').tee(v).get(newline).op('i8x16.eq').op('i8x16.bitmask');
      f.get(mask).op('i32.and').op('i32.popcnt').get(lines).op('i32.add').set(lines);
      f.get(v).op('i8x16.bitmask').get(mask).op('i32.and').get(high).op('i32.or').set(high);
      f.get(v).get(none).op('i8x16.eq').op('i8x16.bitmask').get(mask).op('i32.and');
      f.get(zero).op('i32.or').set(zero);
      f.get(at).i32(16).op('i32.add').set(at);
    },
  );
  f.get(zero).i32(0).op('i32.ne').i32(1).op('i32.shl').get(high).i32(0).op('i32.ne').op('i32.or');
  f.op('i64.extend_i32_u').i64(32n).op('i64.shl').get(lines).op('i64.extend_i32_u').op('i64.or');
}

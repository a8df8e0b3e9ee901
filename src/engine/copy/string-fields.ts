/** Strings of COPY input in compiled code: found and copied sixteen bytes at a time. */
import type { CopyOptions } from '../../types/copy-options.js';
import type { SqlType } from '../../types/sql-type.js';
import type { Local } from '../wasm/module-builder.js';
import { emitVarNumeric, type RowContext } from './fixed-fields.js';

export function isString(type: SqlType): boolean {
  switch (type.kind) {
    case 'text':
    case 'varchar':
    case 'bpchar':
      return true;
    case 'numeric':
      return type.precision === undefined && type.scale === undefined;
    default:
      return false;
  }
}

/** Appends the field at `at` to the strings that end at `out`; both move on. */
export function emitString(context: RowContext, type: SqlType, out: Local, options: CopyOptions): void {
  const { f, lib, at, end, decline } = context;
  if (type.kind === 'numeric') {
    const csv = options.format === 'csv';
    // Quotes around numbers are left to the other parser: unlike integers, such columns are rare.
    if (csv) f.get(at).mem('i32.load8_u').i32(options.quote.charCodeAt(0)).op('i32.eq').brIf(decline);
    emitVarNumeric(context, out);
    return;
  }
  const start = f.local('i32');
  const places = f.local('i64');
  f.get(out).set(start);
  const move = (): void => {
    f.tee(places).i64(-1n).op('i64.eq').brIf(decline);
    f.get(places).op('i32.wrap_i64').set(at);
    f.get(places).i64(32n).op('i64.shr_u').op('i32.wrap_i64').set(out);
  };
  if (options.format === 'csv') {
    f.get(at)
      .mem('i32.load8_u')
      .i32(options.quote.charCodeAt(0))
      .op('i32.eq')
      .if(
        () => {
          f.get(at).get(out).get(end).call(lib.unquote);
          move();
        },
        () => {
          emitPlain(context, out, [options.delimiter, '\n', options.quote, '\r']);
        },
      );
  } else {
    const field = f.local('i32');
    f.get(at).set(field);
    emitPlain(context, out, [options.delimiter, '\n', '\\', '\r']);
    f.get(at)
      .mem('i32.load8_u')
      .i32(92)
      .op('i32.eq')
      .if(() => {
        f.get(field).get(start).get(end).call(lib.unescape);
        move();
      });
    f.release(field);
  }
  if ((type.kind === 'varchar' || type.kind === 'bpchar') && type.length !== undefined)
    emitLength(context, type.kind, type.length, start, out);
  f.release(start);
  f.release(places);
}

/** Copies up to the next of the special bytes. Blocks end in a newline, so there is one. */
function emitPlain({ f, at }: RowContext, out: Local, specials: readonly string[]): void {
  const v = f.local('v128');
  const mask = f.local('i32');
  f.block((found) => {
    f.loop((again) => {
      f.get(out).get(at).mem('v128.load').tee(v).mem('v128.store');
      specials.forEach((s, i) => {
        const code = s.charCodeAt(0);
        f.get(v).v128(new Array(16).fill(code)).op('i8x16.eq');
        if (i > 0) f.op('v128.or');
      });
      f.op('i8x16.bitmask').tee(mask).brIf(found);
      f.get(at).i32(16).op('i32.add').set(at);
      f.get(out).i32(16).op('i32.add').set(out).br(again);
    });
  });
  f.get(mask).op('i32.ctz').tee(mask).get(at).op('i32.add').set(at);
  f.get(out).get(mask).op('i32.add').set(out);
  f.release(mask);
  f.release(v);
}

/** Declines what is too long; pads char(n). */
function emitLength(
  { f, lib, ascii, decline }: RowContext,
  kind: 'varchar' | 'bpchar',
  length: number,
  start: Local,
  out: Local,
): void {
  const n = f.local('i32');
  f.get(out).get(start).op('i32.sub').set(n);
  const count = (): void => {
    f.get(start).get(n).call(lib.characters).set(n);
  };
  if (kind === 'varchar') {
    f.get(n)
      .i32(length)
      .op('i32.gt_u')
      .if(() => {
        count();
        f.get(n).i32(length).op('i32.gt_u').brIf(decline);
      });
  } else {
    f.get(ascii).op('i32.eqz').if(count);
    f.get(n).i32(length).op('i32.gt_u').brIf(decline);
    f.get(n)
      .i32(length)
      .op('i32.lt_u')
      .if(() => {
        const to = f.local('i32');
        const pad = f.local('i32');
        f.get(out).i32(length).get(n).op('i32.sub').op('i32.add').set(to);
        f.get(out).set(pad);
        f.loop((again) => {
          f.get(pad).v128(new Array(16).fill(32)).mem('v128.store');
          f.get(pad).i32(16).op('i32.add').tee(pad).get(to).op('i32.lt_u').brIf(again);
        });
        f.get(to).set(out);
        f.release(to);
        f.release(pad);
      });
  }
  f.release(n);
}

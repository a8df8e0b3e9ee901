/** Columns of batches in memory as values: one loader for each encoding of `types/memory.ts`.
 *
 *  Invariants: a column is loaded where it is first used, once in a scope; null code is generated only when the layout
 *  can hold nulls; a numeric stored in a narrow integer is loaded to 64 bits directly, because its range is guaranteed. */
import type { Column } from '../../plan/expr.js';
import {
  BATCH_COLUMN_BYTES,
  BATCH_HEADER_BYTES,
  type ColumnLayout,
  type Encoding,
} from '../../types/memory.js';
import { unreachable } from '../../types/sql-error.js';
import { type Range, type Repr, reprOf } from '../../types/sql-type.js';
import type { Local } from '../wasm/module-builder.js';
import type { Emitter } from './emitter.js';
import { intersect } from './ranges.js';
import type { Val } from './val.js';

export type ColumnBinding = {
  /** Emits the loads of base addresses: before the row loop, once the batch address is known. */
  prologue(): void;
};

const SHIFT: Partial<Record<Encoding, number>> = {
  i8: 0,
  i16: 1,
  i32: 2,
  i64: 3,
  f32: 2,
  f64: 3,
  i128: 4,
  utf8: 2,
  dict8: 0,
  dict16: 1,
  dict32: 2,
};

const ENCODING_RANGE: Partial<Record<Encoding, Range>> = {
  i8: { min: -128n, max: 127n },
  i16: { min: -32768n, max: 32767n },
  i32: { min: -(1n << 31n), max: (1n << 31n) - 1n },
  i64: { min: -(1n << 63n), max: (1n << 63n) - 1n },
};

type Bases = {
  readonly data: Local;
  /** utf8 offsets or dictionary references. */
  readonly aux: Local | undefined;
  /** Address of the validity bits, or of a byte of ones when the batch has none; `mask` is then 0. */
  readonly validity: Local | undefined;
  readonly mask: Local | undefined;
};

/** Binds the columns of a batch whose descriptor is at `batch`, at row number `row`. `columns[i]` is laid out as
 *  `layouts[i]`. The caller emits `prologue()` before its row loop. Strings are stable unless said otherwise. */
export function bindBatchColumns(
  e: Emitter,
  batch: Local,
  row: Local,
  columns: readonly Column[],
  layouts: readonly ColumnLayout[],
  stable = true,
): ColumnBinding {
  const bases = columns.map((c, i): Bases => {
    const layout = layouts[i];
    const nullable = c.nullable && layout.nullable;
    return {
      data: e.f.local('i32'),
      aux: hasAux(layout.encoding) ? e.f.local('i32') : undefined,
      validity: nullable ? e.f.local('i32') : undefined,
      mask: nullable ? e.f.local('i32') : undefined,
    };
  });
  columns.forEach((c, i) => {
    e.bind(c.id, () => loadColumn(e, c, layouts[i], bases[i], row, stable), c);
  });
  return {
    prologue: () =>
      columns.forEach((_, i) => {
        emitBases(e, batch, i, bases[i]);
      }),
  };
}

/** The same for rows of a merged run: `batch` and `row` change with each row, so base addresses are loaded where a
 *  column is used. */
export function bindMergedColumns(
  e: Emitter,
  batch: Local,
  row: Local,
  columns: readonly Column[],
  layouts: readonly ColumnLayout[],
  stable = false,
): void {
  columns.forEach((c, i) => {
    const layout = layouts[i];
    e.bind(
      c.id,
      () => {
        const nullable = c.nullable && layout.nullable;
        const bases: Bases = {
          data: e.local('i32'),
          aux: hasAux(layout.encoding) ? e.local('i32') : undefined,
          validity: nullable ? e.local('i32') : undefined,
          mask: nullable ? e.local('i32') : undefined,
        };
        emitBases(e, batch, i, bases);
        return loadColumn(e, c, layout, bases, row, stable);
      },
      c,
    );
  });
}

function hasAux(encoding: Encoding): boolean {
  return encoding === 'utf8' || encoding.startsWith('dict');
}

function emitBases(e: Emitter, batch: Local, index: number, b: Bases): void {
  const f = e.f;
  const at = BATCH_HEADER_BYTES + index * BATCH_COLUMN_BYTES;
  f.get(batch).mem('i32.load', at).set(b.data);
  if (b.aux !== undefined)
    f.get(batch)
      .mem('i32.load', at + 8)
      .set(b.aux);
  if (b.validity !== undefined && b.mask !== undefined) {
    const ones = e.ctx.dataBytes(Uint8Array.of(255));
    f.get(batch)
      .mem('i32.load', at + 4)
      .tee(b.validity);
    f.get(e.qs).i32(ones).op('i32.add').get(b.validity).op('select');
    f.i32(-1).i32(0).get(b.validity).op('select').set(b.mask);
    f.set(b.validity);
  }
}

/** Leaves base + row * size. */
function pushAddress(e: Emitter, base: Local, row: Local, shift: number): void {
  e.f.get(base).get(row);
  if (shift > 0) e.f.i32(shift).op('i32.shl');
  e.f.op('i32.add');
}

function loadColumn(
  e: Emitter,
  column: Column,
  layout: ColumnLayout,
  b: Bases,
  row: Local,
  stable: boolean,
): Val {
  const f = e.f;
  let isNull: Local | undefined;
  if (b.validity !== undefined && b.mask !== undefined) {
    f.get(b.validity)
      .get(row)
      .i32(3)
      .op('i32.shr_u')
      .get(b.mask)
      .op('i32.and')
      .op('i32.add')
      .mem('i32.load8_u');
    f.get(row).i32(7).op('i32.and').op('i32.shr_u').i32(1).op('i32.and').i32(1).op('i32.xor');
    isNull = e.save('i32');
  }
  const narrow = ENCODING_RANGE[layout.encoding];
  // What the encoding holds decides when the bounds contradict each other, as where a segment has none of the values.
  const range = column.type.kind === 'numeric' ? intersect(narrow, column.range) : column.range;
  const repr = columnRepr(column, layout.encoding, range);
  const shift = SHIFT[layout.encoding] ?? 0;
  const base = { type: column.type, repr, range, isNull, stable };
  const load = (): void => pushAddress(e, b.data, row, shift);
  switch (layout.encoding) {
    case 'i8':
    case 'i16':
    case 'i32':
    case 'i64': {
      load();
      const bits = { i8: '8_s', i16: '16_s', i32: '', i64: '' }[layout.encoding] as '8_s' | '16_s' | '';
      if (repr === 'i32') {
        if (layout.encoding === 'i64') f.mem('i64.load').op('i32.wrap_i64');
        else f.mem(`i32.load${bits}`);
        return { ...base, parts: [e.save('i32')] };
      }
      if (layout.encoding === 'i64') f.mem('i64.load');
      else f.mem(layout.encoding === 'i32' ? 'i64.load32_s' : `i64.load${bits}`);
      return { ...base, parts: [e.save('i64')] };
    }
    case 'f32':
    case 'f64':
      load();
      f.mem(`${layout.encoding}.load`);
      return { ...base, parts: [e.save(layout.encoding)] };
    case 'i128': {
      load();
      const at = e.save('i32');
      f.get(at).mem('i64.load');
      const low = e.save('i64');
      if (repr === 'i64') return { ...base, parts: [low] };
      f.get(at).mem('i64.load', 8);
      return { ...base, parts: [low, e.save('i64')] };
    }
    case 'utf8': {
      pushAddress(e, b.aux!, row, shift);
      const at = e.save('i32');
      const start = e.local('i32');
      f.get(at).mem('i32.load').tee(start).get(b.data).op('i32.add').op('i64.extend_i32_u');
      f.get(at).mem('i32.load', 4).get(start).op('i32.sub').op('i64.extend_i32_u');
      f.i64(32n).op('i64.shl').op('i64.or');
      return { ...base, parts: [e.save('i64')] };
    }
    case 'dict8':
    case 'dict16':
    case 'dict32': {
      const str = e.local('i64');
      const body = (): void => {
        f.get(b.aux!);
        load();
        f.mem(
          ({ dict8: 'i32.load8_u', dict16: 'i32.load16_u', dict32: 'i32.load' } as const)[
            layout.encoding as 'dict8'
          ],
        );
        f.i32(3).op('i32.shl').op('i32.add').mem('i64.load').set(str);
      };
      if (isNull === undefined) body();
      else {
        // The code of a null may point nowhere.
        f.i64(0n).set(str);
        f.get(isNull).op('i32.eqz').if(body);
      }
      return { ...base, parts: [str] };
    }
    default:
      return unreachable(layout.encoding);
  }
}

function columnRepr(column: Column, encoding: Encoding, range: Range | undefined): Repr {
  const repr = reprOf(column.type, range);
  // A numeric that its plan cannot bound, but that is stored as an integer.
  if (column.type.kind === 'numeric' && repr === 'str' && encoding !== 'utf8' && !encoding.startsWith('dict'))
    return encoding === 'i128' ? 'i128' : 'i64';
  return repr;
}

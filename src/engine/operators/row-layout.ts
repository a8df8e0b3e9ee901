/** The form of materialised rows: fixed size, fields in their representations, strings as refs to stable bytes.
 *
 *  Header words first (next pointer, hash), then flag and null bytes, then fields by falling size, so nothing is padded
 *  but the end. Must not know where rows live. Invariant: a null field's parts hold anything. */
import type { Column } from '../../plan/expr.js';
import type { ColId } from '../../types/ids.js';
import { type Repr, reprOf } from '../../types/sql-type.js';
import type { Emitter } from '../codegen/emitter.js';
import { isConst, reprBytes, type Val } from '../codegen/val.js';
import { loadVal, type NullBit, persist, storeVal } from '../codegen/value-ops.js';
import type { Local } from '../wasm/module-builder.js';
import { toRepr } from './coerce.js';

export type Field = {
  readonly column: Column;
  readonly repr: Repr;
  readonly offset: number;
  readonly nullBit: NullBit | undefined;
};

export type RowOptions = {
  readonly next?: boolean;
  readonly hash?: boolean;
  /** Bytes for marks (matched, dead). */
  readonly flags?: number;
  /** Every field gets a null bit: for rows that also stand for an outer join's missing side. */
  readonly allNullable?: boolean;
  /** Further bytes of the owner (states of aggregates), 8-byte aligned. */
  readonly extraBytes?: number;
};

export class RowLayout {
  readonly fields: readonly Field[];
  readonly bytes: number;
  readonly nextOffset: number = 0;
  readonly hashOffset: number;
  readonly flagOffset: number;
  readonly nullOffset: number;
  readonly nullBytes: number;
  readonly extraOffset: number;
  private readonly byId = new Map<ColId, Field>();

  constructor(columns: readonly Column[], options: RowOptions = {}) {
    const distinct = [...new Map(columns.map((c) => [c.id, c])).values()];
    const nullable = distinct.filter((c) => options.allNullable || c.nullable);
    let at = options.next ? 4 : 0;
    this.hashOffset = at;
    if (options.hash) at += 4;
    // Flag and null bytes go behind the fields, where they close the last word.
    const sized = distinct.map((column) => ({ column, repr: reprOf(column.type, column.range) }));
    const offsets = new Map<ColId, number>();
    const words = sized.filter((s) => reprBytes(s.repr) === 4);
    const take = (): void => {
      const w = words.shift();
      if (w === undefined) return;
      offsets.set(w.column.id, at);
      at += 4;
    };
    const wide = sized.filter((s) => reprBytes(s.repr) > 4);
    const extra = options.extraBytes ?? 0;
    if (at % 8 !== 0 && (wide.length > 0 || extra > 0)) {
      take();
      at = (at + 7) & ~7;
    }
    for (const s of wide) {
      offsets.set(s.column.id, at);
      at += reprBytes(s.repr);
    }
    this.extraOffset = at;
    at += (extra + 7) & ~7;
    while (words.length > 0) take();
    this.flagOffset = at;
    at += options.flags ?? 0;
    this.nullOffset = at;
    this.nullBytes = (nullable.length + 7) >> 3;
    at += this.nullBytes;
    const align = wide.length > 0 || extra > 0 ? 8 : 4;
    this.bytes = Math.max(align, (at + align - 1) & -align);
    this.fields = sized.map(({ column, repr }) => {
      const bit = nullable.indexOf(column);
      const field: Field = {
        column,
        repr,
        offset: offsets.get(column.id)!,
        nullBit: bit < 0 ? undefined : { offset: this.nullOffset + (bit >> 3), mask: 1 << (bit & 7) },
      };
      this.byId.set(column.id, field);
      return field;
    });
  }

  has(id: ColId): boolean {
    return this.byId.has(id);
  }

  field(id: ColId): Field {
    const f = this.byId.get(id);
    if (f === undefined) throw new Error(`column #${id} is not in the row`);
    return f;
  }

  load(e: Emitter, row: Local, field: Field): Val {
    return loadVal(e, row, field.offset, field.repr, field.column.type, field.column.range, field.nullBit);
  }

  /** Binds the columns to the row that `row` points at when they are first read. */
  bind(e: Emitter, row: Local, only?: ReadonlySet<ColId>): void {
    for (const field of this.fields)
      if (only === undefined || only.has(field.column.id))
        e.bind(field.column.id, () => this.load(e, row, field), field.column);
  }

  /** Writes all fields from the emitter's columns, null bytes and zero flags; strings are made stable first, unless
   *  the row is only to be looked at. */
  storeAll(e: Emitter, row: Local, stable = true): void {
    this.storeVals(
      e,
      row,
      this.fields.map((f) => e.column(f.column.id)),
      stable,
    );
  }

  /** `vals[i]` belongs to `fields[i]`. */
  storeVals(e: Emitter, row: Local, vals: readonly Val[], stable = true): void {
    const nulls: Val[][] = Array.from({ length: this.nullBytes }, () => []);
    const masks: number[][] = Array.from({ length: this.nullBytes }, () => []);
    this.fields.forEach((field, i) => {
      const val = vals[i];
      if (field.nullBit) {
        const byte = field.nullBit.offset - this.nullOffset;
        nulls[byte].push(val);
        masks[byte].push(Math.log2(field.nullBit.mask));
      } else if (val.isNull !== undefined && !(isConst(val.isNull) && val.isNull.const === 0)) {
        // The planner promised a column without nulls; a null here would be read back as a value.
        e.push(val.isNull).if(() => e.fail(15, field.column.id));
      }
      const v = toRepr(e, val, field.repr);
      storeVal(e, row, field.offset, stable ? persist(e, v) : v);
    });
    for (let b = 0; b < this.nullBytes; b++) {
      e.f.get(row);
      let pushed = false;
      let constant = 0;
      nulls[b].forEach((val, i) => {
        if (val.isNull === undefined) return;
        if (isConst(val.isNull)) {
          constant |= Number(val.isNull.const) << masks[b][i];
          return;
        }
        e.push(val.isNull);
        if (masks[b][i] > 0) e.f.i32(masks[b][i]).op('i32.shl');
        if (pushed) e.f.op('i32.or');
        pushed = true;
      });
      if (!pushed) e.f.i32(constant);
      else if (constant !== 0) e.f.i32(constant).op('i32.or');
      e.f.mem('i32.store8', this.nullOffset + b);
    }
    for (let b = this.flagOffset; b < this.nullOffset; b++) e.f.get(row).i32(0).mem('i32.store8', b);
  }
}

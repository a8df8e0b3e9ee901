/** Where the running states of aggregates live: cells of a group's row, or locals while a pipeline without groups runs.
 *  Zero bytes are the state before the first value, so a new row is only filled with zeros. */
import type { Emitter } from '../codegen/emitter.js';
import type { Local } from '../wasm/module-builder.js';

export type CellType = 'i32' | 'i64' | 'f32' | 'f64';
export type Cell = { readonly type: CellType; readonly offset: number };

const BYTES = { i32: 4, i64: 8, f32: 4, f64: 8 } as const;

export class StateLayout {
  readonly cells: Cell[] = [];
  bytes = 0;

  cell(type: CellType): Cell {
    const size = BYTES[type];
    this.bytes = (this.bytes + size - 1) & -size;
    const cell = { type, offset: this.bytes };
    this.bytes += size;
    this.cells.push(cell);
    return cell;
  }
}

export interface StateAccess {
  /** Leaves the cell's value. */
  get(cell: Cell): void;
  set(cell: Cell, push: () => void): void;
}

/** Cells in memory at row + base. */
export function inMemory(e: Emitter, row: Local, base: number): StateAccess {
  return {
    get: (cell) => e.f.get(row).mem(`${cell.type}.load`, base + cell.offset),
    set(cell, push) {
      e.f.get(row);
      push();
      e.f.mem(`${cell.type}.store`, base + cell.offset);
    },
  };
}

/** Cells in locals, loaded at once from memory and written back by `save`. */
export function inLocals(
  e: Emitter,
  layout: StateLayout,
  base: Local,
  offset: number,
): StateAccess & { save(): void } {
  const locals = new Map(layout.cells.map((cell) => [cell, e.f.local(cell.type)]));
  for (const [cell, l] of locals)
    e.f
      .get(base)
      .mem(`${cell.type}.load`, offset + cell.offset)
      .set(l);
  return {
    get: (cell) => e.f.get(locals.get(cell)!),
    set(cell, push) {
      push();
      e.f.set(locals.get(cell)!);
    },
    save() {
      for (const [cell, l] of locals)
        e.f
          .get(base)
          .get(l)
          .mem(`${cell.type}.store`, offset + cell.offset);
    },
  };
}

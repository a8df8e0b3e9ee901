/** A result as it is printed: headers, cells of text, footers. */

export type Align = 'l' | 'r';

export type TableColumn = {
  readonly name: string;
  readonly align: Align;
  /** The column's type, for formats that show numbers and truth values as such. */
  readonly typeOid?: number;
};

export type Table = {
  readonly title?: string | undefined;
  readonly columns: readonly TableColumn[];
  readonly rows: readonly (readonly (string | null)[])[];
  /** Undefined: the count of rows, where that is wanted. */
  readonly footers?: readonly string[] | undefined;
  /** Rows printed before these when a result comes in parts; undefined: this is all of it. */
  readonly part?: { readonly first: boolean; readonly last: boolean; readonly rowsBefore: number };
};

/** Types of numbers, shown to the right: int8, int2, int4, oid, xid, cid, float4, float8, money, numeric, xid8. */
const RIGHT_TYPES = new Set([20, 21, 23, 26, 28, 29, 700, 701, 790, 1700, 5069]);

export function alignOf(typeOid: number): Align {
  return RIGHT_TYPES.has(typeOid) ? 'r' : 'l';
}

export type Out = (text: string) => void;

export function isFirst(table: Table): boolean {
  return table.part?.first ?? true;
}

export function isLast(table: Table): boolean {
  return table.part?.last ?? true;
}

export function rowsCount(n: number): string {
  return n === 1 ? '(1 row)' : `(${n} rows)`;
}

/** The footers, or the count of rows in their place. */
export function footersWithDefault(table: Table, defaultFooter: boolean): readonly string[] | undefined {
  if (table.footers !== undefined || !defaultFooter) return table.footers;
  return [rowsCount((table.part?.rowsBefore ?? 0) + table.rows.length)];
}

/** Thousands apart, when `\pset numericlocale` asks for it. */
export function groupDigits(text: string): string {
  const found = /^([-+]?)(\d+)(.*)$/s.exec(text);
  if (found === null) return text;
  return `${found[1]}${found[2]!.replace(/\B(?=(\d{3})+$)/g, ',')}${found[3]}`;
}

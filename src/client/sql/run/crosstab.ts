/** \crosstabview: one column across the top, one down the side, one in the cells. */
import type { Sink } from '../output.js';
import type { PrintOptions } from '../print/options.js';
import { alignOf, type Table } from '../print/table.js';
import { dequote } from '../scan/slash-scanner.js';
import type { Session } from '../session.js';
import type { ResultSet } from '../wire/messages.js';
import { showTable } from './show.js';

/** `args`: columns down, across, in the cells, and the one to sort the top by; undefined where left out. Returns what is wrong. */
export function showCrosstab(
  session: Session,
  result: ResultSet,
  args: readonly (string | undefined)[],
  options: PrintOptions,
  sink: Sink,
): string | undefined {
  const { fields, rows } = result;
  if (fields.length < 3) return '\\crosstabview: query must return at least three columns';
  const find = (arg: string): number | string => {
    if (/^\d+$/.test(arg)) {
      const n = Number(arg);
      if (n < 1 || n > fields.length)
        return `\\crosstabview: column number ${n} is out of range 1..${fields.length}`;
      return n - 1;
    }
    const name = dequote(arg, true);
    const hits = fields.flatMap((f, i) => (f.name === name ? [i] : []));
    if (hits.length === 0) return `\\crosstabview: column name not found: "${name}"`;
    return hits.length > 1 ? `\\crosstabview: ambiguous column name: "${name}"` : hits[0]!;
  };
  const [vArg, hArg, dArg, sortArg] = args;
  const v = vArg === undefined ? 0 : find(vArg);
  const h = hArg === undefined ? 1 : find(hArg);
  if (typeof v === 'string') return v;
  if (typeof h === 'string') return h;
  if (v === h) return '\\crosstabview: vertical and horizontal headers must be different columns';
  if (dArg === undefined && fields.length > 3)
    return '\\crosstabview: data column must be specified when query returns more than three columns';
  const d = dArg === undefined ? [0, 1, 2].find((i) => i !== v && i !== h)! : find(dArg);
  if (typeof d === 'string') return d;
  const sort = sortArg === undefined ? undefined : find(sortArg);
  if (typeof sort === 'string') return sort;

  const down = new Map<string | null, number>();
  const across = new Map<string | null, { at: number; sort: string | null }>();
  for (const row of rows) {
    if (!down.has(row[v]!)) down.set(row[v]!, down.size);
    if (!across.has(row[h]!))
      across.set(row[h]!, { at: across.size, sort: sort === undefined ? null : row[sort]! });
  }
  if (across.size > 1600) return '\\crosstabview: maximum number of columns (1600) exceeded';
  if (sort !== undefined) {
    for (const { sort: by } of across.values())
      if (by !== null && !/^[-+]?\d+$/.test(by)) return '\\crosstabview: column used to sort is not a number';
    const order = [...across.values()].sort((a, b) => Number(a.sort ?? 0) - Number(b.sort ?? 0));
    for (const [i, entry] of order.entries()) entry.at = i;
  }
  const cells: (string | null)[][] = [...down.keys()].map((name) => [
    name ?? options.nullText,
    ...new Array<string>(across.size).fill(''),
  ]);
  const filled = new Set<string>();
  for (const row of rows) {
    const [r, c] = [down.get(row[v]!)!, across.get(row[h]!)!.at];
    const key = `${r},${c}`;
    if (filled.has(key))
      return `\\crosstabview: query result contains multiple data values for row "${row[v] ?? '(null)'}", column "${row[h] ?? '(null)'}"`;
    filled.add(key);
    cells[r]![c + 1] = row[d]!;
  }
  const names = [...across].sort((a, b) => a[1].at - b[1].at);
  const align = alignOf(fields[d]!.dataTypeID);
  const table: Table = {
    title: options.title,
    columns: [
      { name: fields[v]!.name, align: alignOf(fields[v]!.dataTypeID), typeOid: fields[v]!.dataTypeID },
      ...names.map(([name]) => ({ name: name ?? options.nullText, align, typeOid: fields[d]!.dataTypeID })),
    ],
    rows: cells,
  };
  showTable(session, table, options, sink);
  return undefined;
}

/** EXPLAIN in colour. */
import type { PrintOptions } from '../print/options.js';
import type { Table } from '../print/table.js';
import type { Session } from '../session.js';

export function colorExplain(_session: Session, _table: Table, _options: PrintOptions): Table | undefined {
  return undefined;
}

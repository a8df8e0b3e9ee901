/** A rule as pg_hba_file_rules shows it. */
import { addressText } from './address.js';
import type { HbaProblem, HbaRule } from './hba-file.js';

export type HbaRow =
  | HbaProblem
  | {
      readonly line: number;
      readonly type: string;
      readonly databases: readonly string[];
      readonly users: readonly string[];
      readonly address: string | undefined;
      readonly netmask: string | undefined;
      readonly method: string;
    };

export function hbaRow(r: HbaRule): HbaRow {
  const { address } = r;
  const range = address?.kind === 'range' ? address : undefined;
  return {
    line: r.line,
    type: r.type,
    databases: r.databases.map((t) => t.text),
    users: r.users.map((t) => t.text),
    address: range?.text ?? address?.kind,
    netmask: range && addressText(range.mask),
    method: r.method,
  };
}

/** Long output goes through a pager, where a person is there to page. */
import { spawnSync } from 'node:child_process';
import { stdout } from '../output.js';
import type { PrintOptions } from '../print/options.js';

export type Screen = { readonly rows: number; readonly columns: number };

/** Of the terminal; nothing where input or output is none. */
export function screen(): Screen | undefined {
  if (process.stdin.isTTY !== true || process.stdout.isTTY !== true) return undefined;
  return { rows: process.stdout.rows, columns: process.stdout.columns };
}

/** Columns to print for when standard output is a terminal, else 0. */
export function screenColumns(): number {
  return process.stdout.isTTY === true ? process.stdout.columns : 0;
}

function pagerCommand(): string | undefined {
  const asked = process.env.PSQL_PAGER ?? process.env.PAGER;
  if (asked === undefined) return 'less';
  return asked.trim() === '' ? undefined : asked;
}

/** Writes to standard output, paged when it does not fit. `wide`: lines run over the screen. */
export function page(chunks: readonly string[], lines: number, wide: boolean, options: PrintOptions): void {
  const size = screen();
  const command = pagerCommand();
  const wanted =
    size !== undefined &&
    command !== undefined &&
    options.pager > 0 &&
    (options.pager === 2 || wide || (lines >= size.rows && lines >= options.pagerMinLines));
  if (wanted) {
    stdout.flush();
    const run = spawnSync(command, {
      shell: true,
      input: chunks.join(''),
      stdio: ['pipe', 'inherit', 'inherit'],
      env: { LESS: '-FRSX', ...process.env },
    });
    // 127: there is no such program.
    if (run.error === undefined && run.status !== 127) return;
  }
  for (const chunk of chunks) stdout.write(chunk);
  stdout.flush();
}

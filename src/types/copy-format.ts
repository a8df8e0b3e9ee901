/** One output line of COPY TO from the text of its values, quoted and escaped as PostgreSQL does.
 *
 *  Source: PostgreSQL, copyto.c (CopyAttributeOutText, CopyAttributeOutCSV). */
import type { CopyOptions } from './copy-options.js';

/** The line with its newline; `null` is NULL. */
export function formatCopyRow(values: readonly (string | null)[], options: CopyOptions): string {
  let line = '';
  for (let i = 0; i < values.length; i++) {
    if (i > 0) line += options.delimiter;
    const v = values[i];
    if (v === null) line += options.nullString;
    else if (options.format === 'csv') {
      const forced = options.forceQuote === 'all' || options.forceQuote.includes(i);
      line += csvField(v, options, forced, values.length === 1);
    } else line += textField(v, options.delimiter);
  }
  return `${line}\n`;
}

const TEXT_ESCAPES: Readonly<Record<string, string>> = {
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '\\': '\\\\',
};

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters that need escapes.
const TEXT_SPECIAL = /[\x08-\x0d\\]/;

export function textField(value: string, delimiter: string): string {
  if (!TEXT_SPECIAL.test(value) && !value.includes(delimiter)) return value;
  let out = '';
  for (const c of value) {
    const escaped = c === delimiter && c !== '\\' ? `\\${c}` : TEXT_ESCAPES[c];
    out += c === '\t' && delimiter === '\t' ? '\\t' : (escaped ?? c);
  }
  return out;
}

export function csvField(value: string, options: CopyOptions, forced: boolean, single: boolean): string {
  const { quote, delimiter, nullString } = options;
  const quoted =
    forced ||
    value === nullString ||
    value.includes(delimiter) ||
    value.includes(quote) ||
    value.includes('\n') ||
    value.includes('\r') ||
    // A lone `\.` would end the data.
    (single && value === '\\.');
  if (!quoted) return value;
  let out = quote;
  for (const c of value) {
    if (c === quote || c === options.escape) out += options.escape;
    out += c;
  }
  return out + quote;
}

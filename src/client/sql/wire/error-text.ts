/** Errors and notices as text: libpq's layout, with the line and the caret below the place. */
import { charWidth } from '../print/width.js';
import type { ServerMessage } from './messages.js';

export type Verbosity = 'terse' | 'default' | 'verbose' | 'sqlstate';
export type ShowContext = 'never' | 'errors' | 'always';

export type ErrorStyle = { readonly verbosity: Verbosity; readonly showContext: ShowContext };

/** `query`: the text that was sent, which positions refer to. Ends with a newline. */
export function errorText(
  e: ServerMessage,
  style: ErrorStyle,
  query: string | undefined,
  isError: boolean,
): string {
  let out = e.severity === undefined ? '' : `${e.severity}:  `;
  const { verbosity } = style;
  if (verbosity === 'sqlstate') {
    if (e.code !== undefined) return `${out}${e.code}\n`;
  } else if (verbosity === 'verbose' && e.code !== undefined) out += `${e.code}: `;
  out += e.message;
  const position = e.position ?? e.internalPosition;
  const text = e.position !== undefined ? query : e.internalQuery;
  let place = '';
  if (position !== undefined) {
    if (verbosity !== 'terse' && text !== undefined) place = errorPosition(text, Number(position));
    else out += ` at character ${position}`;
  }
  out += `\n${place}`;
  if (verbosity === 'terse' || verbosity === 'sqlstate') return out;
  const field = (name: string, value: string | undefined): void => {
    if (value !== undefined) out += `${name}:  ${value}\n`;
  };
  field('DETAIL', e.detail);
  field('HINT', e.hint);
  field('QUERY', e.internalQuery);
  if (style.showContext === 'always' || (style.showContext === 'errors' && isError))
    field('CONTEXT', e.where);
  if (verbosity !== 'verbose') return out;
  field('SCHEMA NAME', e.schema);
  field('TABLE NAME', e.table);
  field('COLUMN NAME', e.column);
  field('DATATYPE NAME', e.dataType);
  field('CONSTRAINT NAME', e.constraint);
  if (e.file !== undefined || e.line !== undefined || e.routine !== undefined) {
    let location = '';
    if (e.routine !== undefined) location += `${e.routine}, `;
    if (e.file !== undefined && e.line !== undefined) location += `${e.file}:${e.line}`;
    out += `LOCATION:  ${location}\n`;
  }
  return out;
}

const SHOWN_COLUMNS = 60;
/** Columns kept to the right of the place. */
const RIGHT_COLUMNS = 10;

/** The query's line with the place, cut to 60 columns, and a caret below it. `position`: from 1, in characters. */
export function errorPosition(query: string, position: number): string {
  const at = position - 1;
  const chars = Array.from(query);
  if (at < 0 || at > chars.length) return '';
  const columns: number[] = [];
  let column = 0;
  let line = 1;
  let begin = 0;
  let end = chars.length;
  for (const [i, c] of chars.entries()) {
    columns.push(column);
    if (c === '\n' || c === '\r') {
      if (i >= at) {
        end = i;
        break;
      }
      if (c === '\r' || i === 0 || chars[i - 1] !== '\r') line++;
      begin = i + 1;
    }
    column += Math.max(1, charWidth(c.codePointAt(0)!));
  }
  if (columns.length <= end) columns.push(column);
  if (at > end) return '';
  let cutLeft = false;
  let cutRight = false;
  const width = (): number => columns[end]! - columns[begin]!;
  if (width() > SHOWN_COLUMNS) {
    if (columns[begin]! + SHOWN_COLUMNS >= columns[at]! + RIGHT_COLUMNS) {
      while (width() > SHOWN_COLUMNS) end--;
      cutRight = true;
    } else {
      while (columns[at]! + RIGHT_COLUMNS < columns[end]!) {
        end--;
        cutRight = true;
      }
      while (width() > SHOWN_COLUMNS) {
        begin++;
        cutLeft = true;
      }
    }
  }
  const prefix = `LINE ${line}: ${cutLeft ? '...' : ''}`;
  const shown = chars
    .slice(begin, end)
    .map((c) => (c === '\t' ? ' ' : c))
    .join('');
  return `${prefix}${shown}${cutRight ? '...' : ''}\n${' '.repeat(prefix.length + columns[at]! - columns[begin]!)}^\n`;
}

/** PostgreSQL's array literals: `{a,"b c",NULL,{...}}`, the form in which arrays travel.
 *
 *  Owns: reading and writing them. Elements are the text forms of the element type. Source: PostgreSQL, 8.15.6. */
import { SqlError } from './sql-error.js';

export type ArrayItem = string | null | readonly ArrayItem[];

function malformed(text: string, detail: string): SqlError {
  return new SqlError('22P02', `malformed array literal: "${text}"`, { detail });
}

/** The lower bounds that stand before the braces; none when all are 1. */
export function arrayBounds(text: string): readonly number[] {
  const prefix = /^\s*((?:\[[^\]]*\])+)\s*=/.exec(text);
  if (prefix === null) return [];
  return [...prefix[1]!.matchAll(/\[\s*([+-]?\d+)\s*(:?)/g)].map((m) => (m[2] === ':' ? Number(m[1]) : 1));
}

/** A list that counts from 0. */
export function formatVector(items: readonly string[]): string {
  return items.length === 0 ? '{}' : `[0:${items.length - 1}]=${formatArray(items)}`;
}

export function parseArray(text: string): ArrayItem[] {
  let at = 0;
  const space = (): void => {
    while (at < text.length && /\s/.test(text[at]!)) at++;
  };
  space();
  // Explicit bounds such as `[0:2]={...}` are read and dropped.
  if (text[at] === '[') {
    const end = text.indexOf('=', at);
    if (end < 0) throw malformed(text, 'Missing "=" after array dimensions.');
    at = end + 1;
    space();
  }
  if (text[at] !== '{') throw malformed(text, 'Array value must start with "{" or dimension information.');

  const list = (): ArrayItem[] => {
    at++;
    const items: ArrayItem[] = [];
    space();
    if (text[at] === '}') {
      at++;
      return items;
    }
    for (;;) {
      space();
      items.push(item());
      space();
      const c = text[at];
      if (c === ',') at++;
      else if (c === '}') {
        at++;
        return items;
      } else throw malformed(text, 'Unexpected end of input.');
    }
  };

  const item = (): ArrayItem => {
    if (text[at] === '{') return list();
    if (text[at] === '"') {
      let out = '';
      at++;
      while (at < text.length && text[at] !== '"') {
        if (text[at] === '\\') at++;
        out += text[at] ?? '';
        at++;
      }
      if (text[at] !== '"') throw malformed(text, 'Unexpected end of input.');
      at++;
      return out;
    }
    let out = '';
    let escaped = false;
    while (at < text.length && text[at] !== ',' && text[at] !== '}') {
      if (text[at] === '{' || text[at] === '"') throw malformed(text, `Unexpected "${text[at]}" character.`);
      if (text[at] === '\\') {
        at++;
        escaped = true;
      }
      out += text[at] ?? '';
      at++;
    }
    out = out.trimEnd();
    if (out === '' && !escaped) throw malformed(text, `Unexpected "${text[at] ?? '}'}" character.`);
    return !escaped && out.toUpperCase() === 'NULL' ? null : out;
  };

  const items = list();
  space();
  if (at !== text.length) throw malformed(text, 'Junk after closing right brace.');
  return items;
}

export function formatArray(items: readonly ArrayItem[]): string {
  return `{${items.map(formatItem).join(',')}}`;
}

function formatItem(item: ArrayItem): string {
  if (item === null) return 'NULL';
  if (typeof item !== 'string') return formatArray(item);
  if (item === '' || /[{}",\\\s]/.test(item) || item.toUpperCase() === 'NULL')
    return `"${item.replace(/["\\]/g, '\\$&')}"`;
  return item;
}

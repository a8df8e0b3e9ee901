/** Reads a backslash command: its name, then its arguments one by one, as the command asks for them.
 *
 *  Owns: psql's quoting of arguments ('...', "...", `command`, :variable). Must not know: any command. */
import type { VariableQuote } from './sql-scanner.js';

export type ArgumentKind =
  /** Variables and backticks are expanded. */
  | 'normal'
  /** As `normal`, and unquoted letters are folded to lower case, double quotes removed. */
  | 'identifier'
  /** Double quotes removed, case kept. */
  | 'identifier-case'
  /** `|command` takes the rest of the line. */
  | 'file-or-pipe'
  /** The rest of the line as it stands. */
  | 'whole-line'
  /** Nothing is expanded or run. */
  | 'not-evaluated';

export type SlashHost = {
  variable(name: string, quote: VariableQuote): string | undefined;
  /** Output of a shell command, without its last newline; undefined when it failed. */
  backtick(command: string): string | undefined;
  error(message: string): void;
};

const VARIABLE_CHARS = '[A-Za-z0-9_\\u0080-\\uffff]+';
const REFERENCE = new RegExp(
  `:(?:(${VARIABLE_CHARS})|'(${VARIABLE_CHARS})'|"(${VARIABLE_CHARS})"|\\{\\?(${VARIABLE_CHARS})\\})`,
  'y',
);

const CONTROL: Readonly<Record<string, string>> = { n: '\n', t: '\t', b: '\b', r: '\r', f: '\f' };

function isSpace(c: string | undefined): boolean {
  return c === ' ' || c === '\t' || c === '\n' || c === '\r' || c === '\f';
}

export type Argument = { readonly text: string; readonly quote: string };

export class SlashScanner {
  private readonly host: SlashHost;
  private readonly text: string;
  private at = 0;

  /** `text`: what follows the backslash. */
  constructor(text: string, host: SlashHost) {
    this.text = text;
    this.host = host;
  }

  /** What has not been read. */
  get rest(): string {
    return this.text.slice(this.at);
  }

  /** The command's name: everything up to white space or a backslash. */
  command(): string {
    const from = this.at;
    while (this.at < this.text.length && !isSpace(this.text[this.at]) && this.text[this.at] !== '\\')
      this.at++;
    return this.text.slice(from, this.at);
  }

  /** A `\\` that separates this command from SQL behind it. */
  end(): void {
    if (this.text.startsWith('\\\\', this.at)) this.at += 2;
  }

  /** The text of the next argument; undefined when there is none. */
  argument(kind: ArgumentKind, stripSemicolon = false): string | undefined {
    return this.argumentWithQuote(kind, stripSemicolon)?.text;
  }

  argumentWithQuote(kind: ArgumentKind, stripSemicolon = false): Argument | undefined {
    if (kind === 'whole-line') return this.wholeLine();
    while (isSpace(this.text[this.at])) this.at++;
    if (kind === 'file-or-pipe' && this.text[this.at] === '|') {
      const rest = this.rest;
      this.at = this.text.length;
      return { text: rest, quote: '' };
    }
    let out = '';
    let quote = '';
    let unquotedChars = 0;
    while (this.at < this.text.length) {
      const c = this.text[this.at]!;
      if (isSpace(c) || c === '\\') break;
      if (c === "'" || c === '`' || c === '"') {
        const part = c === "'" ? this.single() : c === '"' ? this.double() : this.back(kind);
        if (part === undefined) {
          this.host.error('unterminated quoted string');
          return undefined;
        }
        out += part;
        quote = c;
        unquotedChars = 0;
        continue;
      }
      const reference = c === ':' ? this.reference(kind) : undefined;
      if (reference !== undefined) {
        out += reference;
        quote = ':';
        unquotedChars = 0;
        continue;
      }
      out += c;
      unquotedChars++;
      this.at++;
    }
    if (out.length === 0 && quote === '') return undefined;
    if (stripSemicolon) while (unquotedChars-- > 0 && out.endsWith(';')) out = out.slice(0, -1);
    if (stripSemicolon && out.length === 0 && quote === '') return undefined;
    if (kind === 'identifier') out = dequote(out, true);
    else if (kind === 'identifier-case') out = dequote(out, false);
    return { text: out, quote };
  }

  private wholeLine(): Argument | undefined {
    while (isSpace(this.text[this.at])) this.at++;
    const text = this.rest;
    this.at = this.text.length;
    return text.length === 0 ? undefined : { text, quote: '' };
  }

  private reference(kind: ArgumentKind): string | undefined {
    REFERENCE.lastIndex = this.at;
    const found = REFERENCE.exec(this.text);
    if (found === null) return undefined;
    this.at += found[0].length;
    if (kind === 'not-evaluated') return found[0];
    const [whole, plain, literal, identifier, test] = found;
    if (plain !== undefined) return this.host.variable(plain, 'plain') ?? whole;
    if (literal !== undefined) return this.host.variable(literal, 'literal') ?? whole;
    if (identifier !== undefined) return this.host.variable(identifier, 'identifier') ?? whole;
    return this.host.variable(test!, 'plain') === undefined ? 'FALSE' : 'TRUE';
  }

  private single(): string | undefined {
    let out = '';
    for (this.at++; this.at < this.text.length; ) {
      const c = this.text[this.at]!;
      if (c === "'") {
        if (this.text[this.at + 1] !== "'") {
          this.at++;
          return out;
        }
        out += "'";
        this.at += 2;
      } else if (c === '\\') out += this.escape();
      else {
        out += c;
        this.at++;
      }
    }
    return undefined;
  }

  private escape(): string {
    const octal = /\\([0-7]{1,3})/y;
    const hex = /\\x([0-9A-Fa-f]{1,2})/y;
    for (const [pattern, base] of [
      [octal, 8],
      [hex, 16],
    ] as const) {
      pattern.lastIndex = this.at;
      const found = pattern.exec(this.text);
      if (found === null) continue;
      this.at += found[0].length;
      return String.fromCharCode(Number.parseInt(found[1]!, base) & 255);
    }
    const c = this.text[this.at + 1] ?? '';
    this.at += 2;
    return CONTROL[c] ?? c;
  }

  /** With its quotes: they tell where case matters. */
  private double(): string | undefined {
    const end = this.text.indexOf('"', this.at + 1);
    if (end < 0) {
      this.at = this.text.length;
      return undefined;
    }
    const out = this.text.slice(this.at, end + 1);
    this.at = end + 1;
    return out;
  }

  private back(kind: ArgumentKind): string | undefined {
    const end = this.text.indexOf('`', this.at + 1);
    if (end < 0) {
      this.at = this.text.length;
      return undefined;
    }
    const command = this.text.slice(this.at + 1, end);
    this.at = end + 1;
    if (kind === 'not-evaluated') return '';
    const expanded = command.replace(
      new RegExp(`:(?:(${VARIABLE_CHARS})|'(${VARIABLE_CHARS})')`, 'g'),
      (whole: string, plain: string | undefined, literal: string | undefined) =>
        (plain !== undefined ? this.host.variable(plain, 'plain') : this.host.variable(literal!, 'shell')) ??
        whole,
    );
    return this.host.backtick(expanded) ?? '';
  }
}

/** Removes double quotes; letters outside of them are folded when asked. */
export function dequote(text: string, fold: boolean): string {
  let out = '';
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!;
    if (c === '"') {
      if (quoted && text[i + 1] === '"') {
        out += '"';
        i++;
      } else quoted = !quoted;
    } else out += fold && !quoted ? c.toLowerCase() : c;
  }
  return out;
}

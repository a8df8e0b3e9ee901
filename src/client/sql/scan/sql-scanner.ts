/** Where a statement ends: reads SQL line by line, as psql's lexer does, and expands variables on the way.
 *
 *  Owns: quotes, comments, dollar quotes, parentheses and BEGIN ATOMIC bodies that run over lines. Must not know: what a
 *  backslash command does, or the server. `buffer` collects what will be sent; whitespace and comments before its first
 *  token are left out. Source: the lexical chapter of PostgreSQL's manual, and psql 15's behaviour. */

type State = 'initial' | 'bits' | 'comment' | 'ident' | 'string' | 'escape-string' | 'dollar';

export type ScanResult =
  /** A semicolon outside of everything: the statement is complete. */
  | 'semicolon'
  /** A backslash outside of everything: a command follows, at `rest()`. */
  | 'backslash'
  /** End of the line within a statement, quote or comment: see `status`. */
  | 'incomplete'
  /** End of the line, and nothing is open. */
  | 'end';

export type PromptStatus = 'ready' | 'continue' | 'paren' | 'single' | 'double' | 'dollar' | 'comment';

export type VariableQuote = 'plain' | 'literal' | 'identifier' | 'shell';

export type ScannerHost = {
  /** The variable's text, quoted as asked; undefined when there is none, or where nothing is expanded. */
  variable(name: string, quote: VariableQuote): string | undefined;
  standardStrings(): boolean;
  warn(message: string): void;
};

const VARIABLE = /:([A-Za-z0-9_\u0080-\uffff]+)/y;
const LITERAL_VARIABLE = /:'([A-Za-z0-9_\u0080-\uffff]+)'/y;
const IDENTIFIER_VARIABLE = /:"([A-Za-z0-9_\u0080-\uffff]+)"/y;
const VARIABLE_TEST = /:\{\?([A-Za-z0-9_\u0080-\uffff]+)\}/y;
const SPACE = /[ \t\n\r\f]+/y;
const LINE_COMMENT = /--[^\n\r]*/y;
const IDENTIFIER = /[A-Za-z_\u0080-\uffff][A-Za-z0-9_$\u0080-\uffff]*/y;
const DOLLAR_TAG = /\$(?:[A-Za-z_\u0080-\uffff][A-Za-z0-9_\u0080-\uffff]*)?\$/y;
/** Between two parts of one string literal: whitespace with a newline in it. */
const STRING_CONTINUES = /(?:[ \t\f]|--[^\n\r]*)*[\n\r](?:[ \t\n\r\f]|--[^\n\r]*[\n\r])*'/y;

function matchAt(pattern: RegExp, text: string, at: number): RegExpExecArray | undefined {
  pattern.lastIndex = at;
  return pattern.exec(text) ?? undefined;
}

type Source = { readonly text: string; at: number; readonly variable: string | undefined };

export class SqlScanner {
  /** What has been collected of the statement. */
  buffer = '';
  parenDepth = 0;
  private readonly host: ScannerHost;
  private state: State = 'initial';
  private commentDepth = 0;
  private dollarTag = '';
  /** Words at the statement's start that make it a function's definition, by their first letters. */
  private firstWords: string[] = [];
  private wordCount = 0;
  private beginDepth = 0;
  /** The line, and above it the values of variables that are being read in its place. */
  private sources: Source[] = [];

  constructor(host: ScannerHost) {
    this.host = host;
  }

  /** One that goes on from here by itself. */
  clone(): SqlScanner {
    const copy = new SqlScanner({
      ...this.host,
      variable: (n, q) => this.host.variable(n, q),
      warn: () => undefined,
    });
    copy.buffer = this.buffer;
    copy.parenDepth = this.parenDepth;
    copy.state = this.state;
    copy.commentDepth = this.commentDepth;
    copy.dollarTag = this.dollarTag;
    copy.firstWords = [...this.firstWords];
    copy.wordCount = this.wordCount;
    copy.beginDepth = this.beginDepth;
    return copy;
  }

  /** The next line, without its newline. */
  setLine(line: string): void {
    this.sources = [{ text: line, at: 0, variable: undefined }];
  }

  get inQuote(): boolean {
    return this.state !== 'initial';
  }

  get status(): PromptStatus {
    switch (this.state) {
      case 'initial':
        if (this.parenDepth > 0) return 'paren';
        return this.beginDepth > 0 || this.buffer.length > 0 ? 'continue' : 'ready';
      case 'comment':
        return 'comment';
      case 'ident':
        return 'double';
      case 'dollar':
        return 'dollar';
      default:
        return 'single';
    }
  }

  /** Forgets what is open; the line is read on. */
  reset(): void {
    this.state = 'initial';
    this.parenDepth = 0;
    this.commentDepth = 0;
    this.beginDepth = 0;
    this.wordCount = 0;
    this.firstWords = [];
  }

  /** What is left of the line, for a backslash command; the rest of a variable's value goes first. */
  rest(): string {
    return this.sources
      .slice()
      .reverse()
      .map((s) => s.text.slice(s.at))
      .join('');
  }

  /** Continues behind a backslash command that left `rest`. */
  setRest(rest: string): void {
    this.setLine(rest);
  }

  /** Reads on to whatever comes first. */
  scan(): ScanResult {
    for (;;) {
      const source = this.sources[this.sources.length - 1];
      if (source === undefined) return 'end';
      if (source.at >= source.text.length) {
        if (this.sources.length > 1) {
          this.sources.pop();
          continue;
        }
        const status = this.status;
        return status === 'ready' ? 'end' : 'incomplete';
      }
      const stop = this.state === 'initial' ? this.scanToken(source) : this.scanInside(source);
      if (stop !== undefined) return stop;
    }
  }

  private take(source: Source, length: number): void {
    this.buffer += source.text.slice(source.at, source.at + length);
    source.at += length;
  }

  private skipOrTake(source: Source, length: number): void {
    if (this.buffer.length > 0) this.take(source, length);
    else source.at += length;
  }

  private scanToken(source: Source): ScanResult | undefined {
    const { text, at } = source;
    const c = text[at]!;
    const space = matchAt(SPACE, text, at) ?? matchAt(LINE_COMMENT, text, at);
    if (space !== undefined) {
      this.skipOrTake(source, space[0].length);
      return undefined;
    }
    const word = matchAt(IDENTIFIER, text, at);
    if (word !== undefined) {
      this.scanWord(source, word[0]);
      return undefined;
    }
    switch (c) {
      case "'":
        this.open(source, this.host.standardStrings() ? 'string' : 'escape-string', 1);
        return undefined;
      case '"':
        this.open(source, 'ident', 1);
        return undefined;
      case '/':
        if (text[at + 1] === '*') this.open(source, 'comment', 2);
        else this.take(source, 1);
        return undefined;
      case '$': {
        const tag = matchAt(DOLLAR_TAG, text, at);
        if (tag !== undefined) {
          this.dollarTag = tag[0];
          this.open(source, 'dollar', tag[0].length);
        } else this.take(source, 1);
        return undefined;
      }
      case '(':
        this.parenDepth++;
        this.take(source, 1);
        return undefined;
      case ')':
        if (this.parenDepth > 0) this.parenDepth--;
        this.take(source, 1);
        return undefined;
      case ';':
        this.take(source, 1);
        if (this.parenDepth > 0 || this.beginDepth > 0) return undefined;
        this.wordCount = 0;
        return 'semicolon';
      case ':':
        this.scanColon(source);
        return undefined;
      case '\\':
        if (text[at + 1] === ';' || text[at + 1] === ':') {
          source.at++;
          if (text[at + 1] === ';') this.wordCount = 0;
          this.take(source, 1);
          return undefined;
        }
        source.at++;
        return 'backslash';
      default:
        this.take(source, 1);
        return undefined;
    }
  }

  private open(source: Source, state: State, length: number): void {
    this.state = state;
    this.commentDepth = 0;
    this.take(source, length);
  }

  /** A word, or the letters before a string's quote. */
  private scanWord(source: Source, word: string): void {
    const prefixed = quoteAfter(source.text, source.at, word);
    if (prefixed !== undefined) this.open(source, prefixed.state, prefixed.length);
    else {
      this.countWord(word.toLowerCase());
      this.take(source, word.length);
    }
  }

  /** CREATE [OR REPLACE] FUNCTION|PROCEDURE ... BEGIN ATOMIC has semicolons that end nothing. */
  private countWord(word: string): void {
    if (this.wordCount === 0) this.firstWords = [];
    if (this.wordCount < 4) this.firstWords[this.wordCount] = word;
    this.wordCount++;
    const [first, second, third, fourth] = this.firstWords;
    const routine = (w: string | undefined) => w === 'function' || w === 'procedure';
    const defines =
      first === 'create' && (routine(second) || (second === 'or' && third === 'replace' && routine(fourth)));
    if (!defines || this.parenDepth > 0) return;
    if (word === 'begin') this.beginDepth++;
    else if (word === 'case' && this.beginDepth > 0) this.beginDepth++;
    else if (word === 'end' && this.beginDepth > 0) this.beginDepth--;
  }

  private scanColon(source: Source): void {
    const { text, at } = source;
    if (text[at + 1] === ':' || text[at + 1] === '=') {
      this.take(source, 2);
      return;
    }
    const plain = matchAt(VARIABLE, text, at);
    if (plain !== undefined) {
      this.expand(source, plain[0], plain[1]!);
      return;
    }
    const literal = matchAt(LITERAL_VARIABLE, text, at);
    const quoted = literal ?? matchAt(IDENTIFIER_VARIABLE, text, at);
    const test = matchAt(VARIABLE_TEST, text, at);
    const found = quoted ?? test;
    let value: string | undefined;
    if (quoted !== undefined)
      value = this.host.variable(quoted[1]!, literal === undefined ? 'identifier' : 'literal');
    else if (test !== undefined)
      value = this.host.variable(test[1]!, 'plain') === undefined ? 'FALSE' : 'TRUE';
    if (found === undefined || value === undefined) {
      this.take(source, found?.[0].length ?? 1);
      return;
    }
    this.buffer += value;
    source.at += found[0].length;
  }

  /** The variable's value is read in its place. */
  private expand(source: Source, reference: string, name: string): void {
    const value = this.host.variable(name, 'plain');
    const recursive = value !== undefined && this.sources.some((s) => s.variable === name);
    if (recursive) this.host.warn(`skipping recursive expansion of variable "${name}"`);
    if (value === undefined || recursive) {
      this.take(source, reference.length);
      return;
    }
    source.at += reference.length;
    this.sources.push({ text: value, at: 0, variable: name });
  }

  private scanInside(source: Source): undefined {
    const { text, at } = source;
    switch (this.state) {
      case 'comment':
        return this.scanComment(source);
      case 'ident':
        return this.scanQuoted(source, '"', false);
      case 'dollar': {
        const end = text.indexOf(this.dollarTag, at);
        if (end < 0) this.take(source, text.length - at);
        else {
          this.take(source, end + this.dollarTag.length - at);
          this.state = 'initial';
        }
        return undefined;
      }
      case 'escape-string':
        return this.scanQuoted(source, "'", true);
      default:
        return this.scanQuoted(source, "'", false);
    }
  }

  private scanComment(source: Source): undefined {
    const { text, at } = source;
    const mark = /\/\*|\*\//g;
    mark.lastIndex = at;
    const found = mark.exec(text);
    if (found === null) this.take(source, text.length - at);
    else {
      this.take(source, found.index + 2 - at);
      if (found[0] === '/*') this.commentDepth++;
      else if (this.commentDepth > 0) this.commentDepth--;
      else this.state = 'initial';
    }
    return undefined;
  }

  private scanQuoted(source: Source, quote: string, escapes: boolean): undefined {
    const { text } = source;
    let i = source.at;
    while (i < text.length && text[i] !== quote) i += escapes && text[i] === '\\' ? 2 : 1;
    i = Math.min(i, text.length);
    if (i === text.length) {
      this.take(source, i - source.at);
      return undefined;
    }
    if (text[i + 1] === quote) {
      this.take(source, i + 2 - source.at);
      return undefined;
    }
    this.take(source, i + 1 - source.at);
    const more = quote === "'" ? matchAt(STRING_CONTINUES, text, source.at) : undefined;
    if (more === undefined) this.state = 'initial';
    else this.take(source, more[0].length);
    return undefined;
  }
}

/** `E'`, `B'`, `U&"` and their kin, where `word` is their letters. */
function quoteAfter(
  text: string,
  at: number,
  word: string,
): { readonly state: State; readonly length: number } | undefined {
  if (word.length !== 1) return undefined;
  const letter = word.toLowerCase();
  const [next, nextButOne] = [text[at + 1], text[at + 2]];
  if (next === "'" && letter === 'e') return { state: 'escape-string', length: 2 };
  if (next === "'" && (letter === 'b' || letter === 'x')) return { state: 'bits', length: 2 };
  if (next !== '&' || letter !== 'u') return undefined;
  if (nextButOne === "'") return { state: 'string', length: 3 };
  return nextButOne === '"' ? { state: 'ident', length: 3 } : undefined;
}

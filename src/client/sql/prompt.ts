/** Prompts, from psql's escapes: %/ the database, %R what is open, %x the transaction, ... */
import { hostname } from 'node:os';
import { textWidth } from './print/width.js';
import type { PromptStatus } from './scan/sql-scanner.js';
import type { Session } from './session.js';

/** What %R shows in the second prompt. */
const OPEN: Readonly<Record<PromptStatus, string>> = {
  ready: '=',
  continue: '-',
  paren: '(',
  single: "'",
  double: '"',
  dollar: '$',
  comment: '*',
};

/** `prompt1`: for %w, which fills as much as that took. */
export function formatPrompt(session: Session, format: string, status: PromptStatus, prompt1 = ''): string {
  const { connection } = session;
  let out = '';
  let at = 0;
  while (at < format.length) {
    const c = format[at++]!;
    if (c !== '%') {
      out += c;
      continue;
    }
    const code = format[at++];
    switch (code) {
      case undefined:
        break;
      case '/':
        out += connection?.at.database ?? '';
        break;
      case '~':
        if (connection !== undefined)
          out += connection.at.database === connection.at.user ? '~' : connection.at.database;
        break;
      case 'M':
      case 'm': {
        const host = connection?.at.host;
        if (host === undefined) break;
        if (host.startsWith('/')) out += code === 'M' && host !== '/tmp' ? `[local:${host}]` : '[local]';
        else out += code === 'm' ? host.split('.')[0]! : host;
        break;
      }
      case '>':
        if (connection !== undefined) out += String(connection.at.port);
        break;
      case 'n':
        out += connection?.at.user ?? '';
        break;
      case 'p':
        if (connection !== undefined) out += String(connection.processId);
        break;
      case '#':
        out += connection?.parameters.get('is_superuser') === 'on' ? '#' : '>';
        break;
      case 'R':
        if (status !== 'ready') out += OPEN[status];
        else if (session.conditions !== undefined && !session.conditions.active) out += '@';
        else if (connection === undefined) out += '!';
        else out += session.settings.singleLine ? '^' : '=';
        break;
      case 'x':
        if (connection === undefined) out += '?';
        else if (connection.transactionStatus === 'T') out += '*';
        else if (connection.transactionStatus === 'E') out += '!';
        break;
      case 'l':
        out += String(session.statementLine);
        break;
      case '?':
        break;
      case 'w':
        out += ' '.repeat(promptWidth(prompt1));
        break;
      // Marks of what takes no room on the screen: widths are measured without them anyway.
      case '[':
      case ']':
        break;
      case '`': {
        const end = format.indexOf('`', at);
        const command = format.slice(at, end < 0 ? format.length : end);
        at = end < 0 ? format.length : end + 1;
        out += (session.backtick(command) ?? '').split('\n')[0];
        break;
      }
      case ':': {
        const end = format.indexOf(':', at);
        const name = format.slice(at, end < 0 ? format.length : end);
        at = end < 0 ? format.length : end + 1;
        out += session.variables.get(name) ?? '';
        break;
      }
      case 'h':
        out += hostname();
        break;
      default:
        if (/[0-7]/.test(code)) {
          const digits = /^(?:0?[0-7]{1,3})/.exec(format.slice(at - 1))![0];
          at += digits.length - 1;
          out += String.fromCharCode(Number.parseInt(digits, 8) & 255);
        } else out += code;
    }
  }
  return out;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: that is what escape sequences are made of
const ESCAPES = /\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07]*\x07/g;

/** Columns of the prompt's last line, without colours. */
export function promptWidth(prompt: string): number {
  const plain = prompt.replace(ESCAPES, '');
  return textWidth(plain.slice(plain.lastIndexOf('\n') + 1));
}

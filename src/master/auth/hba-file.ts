/** hba.conf: its tokens and rules, with PostgreSQL's errors for what is wrong with a line.
 *
 *  Owns: the file's syntax. Which rule matches a connection is in `hba-match.ts`. Included files, host names, identity maps
 *  and methods that need other servers are errors, never ignored. Source: PostgreSQL 15, hba.c, chapter 21.1. */
import { type Address, maskOf, parseAddress } from './address.js';

export type HbaToken = { readonly text: string; readonly quoted: boolean };

export type HbaMethod = 'trust' | 'reject' | 'scram-sha-256' | 'md5' | 'password' | 'peer';

export type HbaAddress =
  | { readonly kind: 'all' | 'samehost' | 'samenet' }
  | { readonly kind: 'range'; readonly text: string; readonly address: Address; readonly mask: Address };

export type HbaRule = {
  readonly line: number;
  readonly type: 'local' | 'host' | 'hostssl' | 'hostnossl';
  readonly databases: readonly HbaToken[];
  readonly users: readonly HbaToken[];
  /** Undefined for local. */
  readonly address: HbaAddress | undefined;
  readonly method: HbaMethod;
};

export type HbaProblem = { readonly line: number; readonly error: string };

export type HbaFile = { readonly rules: readonly HbaRule[]; readonly problems: readonly HbaProblem[] };

/** A field is a list: commas join its tokens. */
type Field = readonly HbaToken[];

class LineError extends Error {}

export function parseHba(text: string): HbaFile {
  const rules: HbaRule[] = [];
  const problems: HbaProblem[] = [];
  for (const { line, source } of logicalLines(text)) {
    try {
      const fields = fieldsOf(source);
      if (fields.length > 0) rules.push(ruleOf(line, fields));
    } catch (e) {
      if (!(e instanceof LineError)) throw e;
      problems.push({ line, error: e.message });
    }
  }
  return { rules, problems };
}

/** A backslash at a line's end joins it with the next. */
function logicalLines(text: string): readonly { readonly line: number; readonly source: string }[] {
  const found: { line: number; source: string }[] = [];
  let open: { line: number; source: string } | undefined;
  for (const [i, raw] of text.split(/\r?\n/).entries()) {
    const continued = raw.endsWith('\\');
    const piece = continued ? raw.slice(0, -1) : raw;
    const now: { line: number; source: string } =
      open === undefined ? { line: i + 1, source: piece } : { line: open.line, source: open.source + piece };
    open = continued ? now : undefined;
    if (!continued) found.push(now);
  }
  if (open !== undefined) found.push(open);
  return found;
}

const TOKEN = /[\s,]*?(?:"((?:[^"]|"")*)"|([^\s,"#]+))/y;

function fieldsOf(source: string): readonly Field[] {
  const fields: HbaToken[][] = [];
  let at = 0;
  let joined = false;
  while (at < source.length) {
    const c = source[at]!;
    if (c === '#') break;
    if (c === ',') {
      joined = true;
      at++;
      continue;
    }
    if (/\s/.test(c)) {
      at++;
      continue;
    }
    TOKEN.lastIndex = at;
    const m = TOKEN.exec(source);
    if (m === null) throw new LineError('unterminated quoted string');
    const token = {
      text: m[1] === undefined ? m[2]! : m[1].replaceAll('""', '"'),
      quoted: m[1] !== undefined,
    };
    if (!token.quoted && token.text.startsWith('@'))
      throw new LineError(`"${token.text}": included files are not supported`);
    if (joined && fields.length > 0) fields.at(-1)!.push(token);
    else fields.push([token]);
    joined = false;
    at = TOKEN.lastIndex;
  }
  return fields;
}

const METHODS: ReadonlySet<string> = new Set(['trust', 'reject', 'scram-sha-256', 'md5', 'password', 'peer']);
const OTHER_METHODS: ReadonlySet<string> = new Set([
  'ident',
  'gss',
  'sspi',
  'pam',
  'bsd',
  'ldap',
  'radius',
  'cert',
]);

function single(field: Field | undefined, missing: string, many: string): HbaToken {
  if (field === undefined) throw new LineError(missing);
  if (field.length > 1) throw new LineError(many);
  return field[0]!;
}

function ruleOf(line: number, fields: readonly Field[]): HbaRule {
  let next = 0;
  const take = () => fields[next++];
  const type = single(take(), '', 'multiple values specified for connection type').text;
  if (type === 'hostgssenc' || type === 'hostnogssenc')
    throw new LineError(`connection type "${type}" is not supported`);
  if (type !== 'local' && type !== 'host' && type !== 'hostssl' && type !== 'hostnossl')
    throw new LineError(`invalid connection type "${type}"`);
  const databases = take();
  if (databases === undefined) throw new LineError('end-of-line before database specification');
  const users = take();
  if (users === undefined) throw new LineError('end-of-line before role specification');
  const address =
    type === 'local'
      ? undefined
      : addressOf(
          single(
            take(),
            'end-of-line before IP address specification',
            'multiple values specified for host address',
          ),
          () =>
            single(
              take(),
              'end-of-line before netmask specification',
              'multiple values specified for netmask',
            ),
        );
  const method = single(
    take(),
    'end-of-line before authentication method',
    'multiple values specified for authentication type',
  ).text;
  if (OTHER_METHODS.has(method))
    throw new LineError(`invalid authentication method "${method}": not supported by this build`);
  if (!METHODS.has(method)) throw new LineError(`invalid authentication method "${method}"`);
  if (method === 'peer' && type !== 'local')
    throw new LineError('peer authentication is only supported on local sockets');
  for (const option of fields.slice(next).flat()) {
    const equals = option.text.indexOf('=');
    throw new LineError(
      equals < 0
        ? `authentication option not in name=value format: ${option.text}`
        : `unrecognized authentication option name: "${option.text.slice(0, equals)}"`,
    );
  }
  return { line, type, databases, users, address, method: method as HbaMethod };
}

function addressOf(token: HbaToken, netmask: () => HbaToken): HbaAddress {
  const { text, quoted } = token;
  if (!quoted && (text === 'all' || text === 'samehost' || text === 'samenet')) return { kind: text };
  const slash = text.indexOf('/');
  const plain = slash < 0 ? text : text.slice(0, slash);
  const address = parseAddress(plain);
  if (address === undefined)
    throw new LineError(
      /^[\d.:a-f]+$/i.test(plain)
        ? `invalid IP address "${plain}"`
        : `"${plain}": host names are not supported, give an address`,
    );
  if (slash >= 0) {
    const bits = text.slice(slash + 1);
    const mask = /^\d+$/.test(bits) ? maskOf(Number(bits), address.length) : undefined;
    if (mask === undefined) throw new LineError(`invalid CIDR mask in address "${text}"`);
    return { kind: 'range', text: plain, address, mask };
  }
  const given = netmask().text;
  const mask = parseAddress(given);
  if (mask === undefined) throw new LineError(`invalid IP mask "${given}"`);
  if (mask.length !== address.length) throw new LineError('IP address and mask do not match');
  return { kind: 'range', text: plain, address, mask };
}

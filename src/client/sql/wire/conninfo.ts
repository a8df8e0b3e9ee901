/** Connection strings: `host=... port=...` and `postgresql://` URIs, as libpq reads them. */

export class ConninfoError extends Error {}

/** Parameters by libpq's names. */
export type Conninfo = Readonly<Record<string, string>>;

export const PARAMETERS: readonly string[] = [
  'service',
  'user',
  'password',
  'passfile',
  'channel_binding',
  'connect_timeout',
  'dbname',
  'host',
  'hostaddr',
  'port',
  'client_encoding',
  'options',
  'application_name',
  'fallback_application_name',
  'keepalives',
  'keepalives_idle',
  'keepalives_interval',
  'keepalives_count',
  'tcp_user_timeout',
  'sslmode',
  'sslcompression',
  'sslcert',
  'sslkey',
  'sslpassword',
  'sslrootcert',
  'sslcrl',
  'sslcrldir',
  'sslsni',
  'requirepeer',
  'ssl_min_protocol_version',
  'ssl_max_protocol_version',
  'gssencmode',
  'krbsrvname',
  'gsslib',
  'replication',
  'target_session_attrs',
]; // prettier-ignore

export function isConninfo(text: string): boolean {
  return isUri(text) || text.includes('=');
}

function isUri(text: string): boolean {
  return text.startsWith('postgresql://') || text.startsWith('postgres://');
}

export function parseConninfo(text: string): Conninfo {
  return isUri(text) ? parseUri(text) : parseKeywords(text);
}

function known(name: string, where: string): string {
  if (PARAMETERS.includes(name)) return name;
  throw new ConninfoError(
    where === 'uri' ? `invalid URI query parameter: "${name}"` : `invalid connection option "${name}"`,
  );
}

function parseKeywords(text: string): Conninfo {
  const out: Record<string, string> = {};
  let at = 0;
  const skip = (): void => {
    while (/\s/.test(text[at] ?? '')) at++;
  };
  for (skip(); at < text.length; skip()) {
    const from = at;
    while (at < text.length && text[at] !== '=' && !/\s/.test(text[at]!)) at++;
    const name = text.slice(from, at);
    skip();
    if (text[at] !== '=') throw new ConninfoError(`missing "=" after "${name}" in connection info string`);
    at++;
    skip();
    let value = '';
    if (text[at] === "'") {
      at++;
      for (;;) {
        const c = text[at++];
        if (c === undefined) throw new ConninfoError('unterminated quoted string in connection info string');
        if (c === "'") break;
        value += c === '\\' ? (text[at++] ?? '') : c;
      }
    } else
      while (at < text.length && !/\s/.test(text[at]!)) {
        if (text[at] === '\\') at++;
        value += text[at++] ?? '';
      }
    out[known(name, 'string')] = value;
  }
  return out;
}

function decode(text: string): string {
  const bad = /%(?![0-9A-Fa-f]{2})/.exec(text);
  if (bad !== null) throw new ConninfoError(`invalid percent-encoded token: "${text}"`);
  try {
    return decodeURIComponent(text);
  } catch {
    throw new ConninfoError(`invalid percent-encoded token: "${text}"`);
  }
}

function parseUri(uri: string): Conninfo {
  const out: Record<string, string> = {};
  const found = /^postgres(?:ql)?:\/\/(?:([^@/?]*)@)?([^/?]*)(?:\/([^?]*))?(?:\?(.*))?$/s.exec(uri);
  if (found === null) throw new ConninfoError(`invalid URI: "${uri}"`);
  const [, userInfo, authority, path, query] = found;
  if (userInfo !== undefined) {
    const colon = userInfo.indexOf(':');
    const user = decode(colon < 0 ? userInfo : userInfo.slice(0, colon));
    if (user !== '') out.user = user;
    if (colon >= 0) out.password = decode(userInfo.slice(colon + 1));
  }
  const hosts: string[] = [];
  const ports: string[] = [];
  for (const part of authority!.split(',')) {
    const pieces = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d*))?$/.exec(part);
    if (pieces === null) throw new ConninfoError(`unexpected character in host or port of URI: "${uri}"`);
    hosts.push(decode(pieces[1] ?? pieces[2] ?? ''));
    ports.push(pieces[3] ?? '');
  }
  if (hosts.some((h) => h !== '')) out.host = hosts.join(',');
  if (ports.some((p) => p !== '')) out.port = ports.join(',');
  if (path !== undefined && path !== '') out.dbname = decode(path);
  for (const pair of query === undefined || query === '' ? [] : query.split('&')) {
    const equals = pair.indexOf('=');
    if (equals < 0)
      throw new ConninfoError(`missing key/value separator "=" in URI query parameter: "${pair}"`);
    const name = decode(pair.slice(0, equals));
    const value = decode(pair.slice(equals + 1));
    if (name === 'ssl' && value === 'true') out.sslmode = 'require';
    else out[known(name, 'uri')] = value;
  }
  return out;
}

/** The messages of authentication. Source: PostgreSQL, chapters 55.3 and 55.7. */
import { SqlError } from '../../types/sql-error.js';

function request(code: number, data: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.write('R', 0, 'latin1');
  head.writeInt32BE(8 + data.length, 1);
  head.writeInt32BE(code, 5);
  return Buffer.concat([head, data]);
}

export function authenticationCleartext(): Buffer {
  return request(3, Buffer.alloc(0));
}

export function authenticationSasl(mechanisms: readonly string[]): Buffer {
  return request(10, Buffer.from(`${mechanisms.map((m) => `${m}\0`).join('')}\0`));
}

export function authenticationSaslContinue(data: string): Buffer {
  return request(11, Buffer.from(data));
}

export function authenticationSaslFinal(data: string): Buffer {
  return request(12, Buffer.from(data));
}

function malformed(detail: string): SqlError {
  return new SqlError('08P01', 'malformed SCRAM message', { detail });
}

export function saslInitialResponse(body: Buffer): {
  readonly mechanism: string;
  /** Undefined: none was sent. */
  readonly data: string | undefined;
} {
  const end = body.indexOf(0);
  if (end < 0 || body.length < end + 5) throw new SqlError('08P01', 'invalid password packet size');
  const mechanism = body.toString('latin1', 0, end);
  const length = body.readInt32BE(end + 1);
  if (length === -1) return { mechanism, data: undefined };
  if (length !== body.length - end - 5) throw new SqlError('08P01', 'invalid password packet size');
  return { mechanism, data: saslResponse(body.subarray(end + 5)) };
}

export function saslResponse(body: Buffer): string {
  if (body.length === 0) throw malformed('The message is empty.');
  if (body.includes(0)) throw malformed('Message length does not match input length.');
  return body.toString('utf8');
}

export function cleartextPassword(body: Buffer): string {
  if (body.at(-1) !== 0 || body.indexOf(0) !== body.length - 1)
    throw new SqlError('08P01', 'invalid password packet size');
  if (body.length === 1) throw new SqlError('28P01', 'empty password returned by client');
  return body.toString('utf8', 0, body.length - 1);
}

/** SCRAM-SHA-256 verifiers: what is stored instead of a password, in PostgreSQL's format.
 *
 *  `SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>`. Passwords go through SASLprep; one that it refuses is
 *  taken as it is, as PostgreSQL does. Source: RFC 5802, 7677, 4013; PostgreSQL, scram-common.c. */
import { createHash, createHmac, pbkdf2, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { saslprep } from '@mongodb-js/saslprep';
import { SqlError } from '../../types/sql-error.js';

const derive = promisify(pbkdf2);

export const KEY_BYTES = 32;
export const SALT_BYTES = 16;
export const ITERATIONS = 4096;

export type Verifier = {
  readonly iterations: number;
  readonly salt: Buffer;
  readonly storedKey: Buffer;
  readonly serverKey: Buffer;
};

export function sha256(bytes: Buffer): Buffer {
  return createHash('sha256').update(bytes).digest();
}

export function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text, 'utf8').digest();
}

export function preparedPassword(password: string): string {
  try {
    return saslprep(password);
  } catch {
    return password;
  }
}

async function keysOf(password: string, salt: Buffer, iterations: number): Promise<Verifier> {
  const salted = await derive(preparedPassword(password), salt, iterations, KEY_BYTES, 'sha256');
  return {
    iterations,
    salt,
    storedKey: sha256(hmac(salted, 'Client Key')),
    serverKey: hmac(salted, 'Server Key'),
  };
}

export function verifierText(v: Verifier): string {
  const b64 = (b: Buffer) => b.toString('base64');
  return `SCRAM-SHA-256$${v.iterations}:${b64(v.salt)}$${b64(v.storedKey)}:${b64(v.serverKey)}`;
}

export function parseVerifier(text: string): Verifier | undefined {
  const m = /^SCRAM-SHA-256\$(\d{1,9}):([A-Za-z0-9+/]+=*)\$([A-Za-z0-9+/]{43}=):([A-Za-z0-9+/]{43}=)$/.exec(
    text,
  );
  if (m === null) return undefined;
  const iterations = Number(m[1]);
  if (iterations < 1) return undefined;
  return {
    iterations,
    salt: Buffer.from(m[2]!, 'base64'),
    storedKey: Buffer.from(m[3]!, 'base64'),
    serverKey: Buffer.from(m[4]!, 'base64'),
  };
}

/** What CREATE ROLE ... PASSWORD stores: a verifier is kept, a password becomes one. 0A000 for an MD5 hash. */
export async function storedPassword(password: string): Promise<string> {
  if (parseVerifier(password) !== undefined) return password;
  if (/^md5[0-9a-f]{32}$/.test(password))
    throw new SqlError('0A000', 'MD5 passwords are not supported', {
      hint: 'Give the password itself or a SCRAM-SHA-256 verifier.',
    });
  return verifierText(await keysOf(password, randomBytes(SALT_BYTES), ITERATIONS));
}

/** Whether the password, sent in the clear, is the one that the verifier was made of. */
export async function matchesPassword(v: Verifier, password: string): Promise<boolean> {
  const { serverKey } = await keysOf(password, v.salt, v.iterations);
  return timingSafeEqual(serverKey, v.serverKey);
}

import { createHash, createHmac, pbkdf2Sync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { SCRAM, SCRAM_PLUS, ScramExchange } from './scram.js';
import {
  matchesPassword,
  parseVerifier,
  preparedPassword,
  storedPassword,
  type Verifier,
} from './verifier.js';

const hmac = (key: Buffer, text: string) => createHmac('sha256', key).update(text).digest();

function verifierFor(password: string, salt: Buffer, iterations = 4096): Verifier {
  const salted = pbkdf2Sync(password, salt, iterations, 32, 'sha256');
  return {
    iterations,
    salt,
    storedKey: createHash('sha256').update(hmac(salted, 'Client Key')).digest(),
    serverKey: hmac(salted, 'Server Key'),
  };
}

/** A client of its own: shares no code with the server. */
function clientFinal(
  password: string,
  clientFirstBare: string,
  serverFirst: string,
  channel: Buffer,
): string {
  const fields = new Map(serverFirst.split(',').map((f) => [f[0], f.slice(2)]));
  const salted = pbkdf2Sync(
    password,
    Buffer.from(fields.get('s')!, 'base64'),
    Number(fields.get('i')),
    32,
    'sha256',
  );
  const clientKey = hmac(salted, 'Client Key');
  const storedKey = createHash('sha256').update(clientKey).digest();
  const bare = `c=${channel.toString('base64')},r=${fields.get('r')}`;
  const signature = hmac(storedKey, `${clientFirstBare},${serverFirst},${bare}`);
  const proof = Buffer.from(clientKey.map((b, i) => b ^ signature[i]!));
  return `${bare},p=${proof.toString('base64')}`;
}

const SALT = Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64');
const SERVER_NONCE = '%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0';
const FIRST_BARE = 'n=user,r=rOprNGfwEbeRWgbNEkqO';

function exchange(more: Partial<ConstructorParameters<typeof ScramExchange>[0]> = {}): ScramExchange {
  return new ScramExchange({
    mechanism: SCRAM,
    verifier: verifierFor('pencil', SALT),
    doomed: false,
    certificateHash: undefined,
    serverNonce: SERVER_NONCE,
    ...more,
  });
}

describe('SCRAM-SHA-256', () => {
  test('the exchange of RFC 7677', () => {
    const scram = exchange();
    expect(scram.first(`n,,${FIRST_BARE}`)).toBe(
      'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096',
    );
    expect(
      scram.final(
        'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
      ),
    ).toBe('v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=');
  });

  test('a wrong password, and a right one for a role that must not pass', () => {
    for (const [password, doomed] of [
      ['Pencil', false],
      ['pencil', true],
    ] as const) {
      const scram = exchange({ doomed });
      const first = scram.first(`n,,${FIRST_BARE}`);
      expect(scram.final(clientFinal(password, FIRST_BARE, first, Buffer.from('n,,')))).toBeUndefined();
    }
  });

  test('channel binding to the certificate', () => {
    const certificateHash = createHash('sha256').update('a certificate').digest();
    const header = Buffer.from('p=tls-server-end-point,,');
    const run = (bound: Buffer) => {
      const scram = exchange({ mechanism: SCRAM_PLUS, certificateHash });
      const first = scram.first(`p=tls-server-end-point,,${FIRST_BARE}`);
      return scram.final(clientFinal('pencil', FIRST_BARE, first, Buffer.concat([header, bound])));
    };
    expect(run(certificateHash)).toMatch(/^v=/);
    // Somebody between with a certificate of their own.
    expect(() => run(createHash('sha256').update('another').digest())).toThrow(
      expect.objectContaining({ code: '28000', message: 'SCRAM channel binding check failed' }),
    );
  });

  test('a client that was told that there is no channel binding', () => {
    const certificateHash = Buffer.alloc(32, 1);
    expect(() => exchange({ certificateHash }).first(`y,,${FIRST_BARE}`)).toThrow(
      expect.objectContaining({ code: '28000', message: 'SCRAM channel binding negotiation error' }),
    );
    // Without TLS the client is right.
    const scram = exchange();
    const first = scram.first(`y,,${FIRST_BARE}`);
    expect(scram.final(clientFinal('pencil', FIRST_BARE, first, Buffer.from('y,,')))).toMatch(/^v=/);
  });

  test.each([
    ['', '08P01'],
    ['x,,n=user,r=abc', '08P01'],
    ['n,a=other,n=user,r=abc', '0A000'],
    ['n,,m=ext,n=user,r=abc', '0A000'],
    ['n,,n=user', '08P01'],
    ['n,,n=user,r=', '08P01'],
    ['n,,n=user,r=ab\u0001c', '08P01'],
    ['p=tls-unique,,n=user,r=abc', '08P01'],
  ])('first message %j: %s', (message, code) => {
    expect(() => exchange().first(message)).toThrow(expect.objectContaining({ code }));
  });

  test.each([
    ['c=biws,r=other,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=', 'invalid SCRAM response'],
    [`c=eSws,r=rOprNGfwEbeRWgbNEkqO${SERVER_NONCE},p=dHzb`, /channel-binding attribute/],
    [`c=biws,r=rOprNGfwEbeRWgbNEkqO${SERVER_NONCE},p=dHzb`, 'malformed SCRAM message'],
    ['c=biws', 'malformed SCRAM message'],
  ])('final message %j', (message, error) => {
    const scram = exchange();
    scram.first(`n,,${FIRST_BARE}`);
    expect(() => scram.final(message)).toThrow(error);
  });
});

describe('verifiers', () => {
  test('a password becomes one, with a salt of its own', async () => {
    const [a, b] = [await storedPassword('secret'), await storedPassword('secret')];
    expect(a).not.toBe(b);
    expect(a).toMatch(/^SCRAM-SHA-256\$4096:[A-Za-z0-9+/]{22}==\$[A-Za-z0-9+/]{43}=:[A-Za-z0-9+/]{43}=$/);
    expect(await matchesPassword(parseVerifier(a)!, 'secret')).toBe(true);
    expect(await matchesPassword(parseVerifier(a)!, 'Secret')).toBe(false);
  });

  test('a verifier is kept, an MD5 hash is refused', async () => {
    const known = await storedPassword('x');
    expect(await storedPassword(known)).toBe(known);
    await expect(storedPassword(`md5${'0'.repeat(32)}`)).rejects.toMatchObject({ code: '0A000' });
  });

  test.each([
    ['I\u00adX', 'IX'],
    ['user', 'user'],
    ['\u00aa', 'a'],
    ['\u2168', 'IX'],
    ['a\u00a0b', 'a b'],
    // Refused by SASLprep: taken as it is.
    ['\u0007', '\u0007'],
    ['\u0627\u0031', '\u0627\u0031'],
  ])('SASLprep of %j', (given, prepared) => {
    expect(preparedPassword(given)).toBe(prepared);
  });
});

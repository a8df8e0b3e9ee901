import { X509Certificate } from 'node:crypto';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as tlsConnect } from 'node:tls';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeCertificates } from '../../client/certificates.js';
import { errorFields, int32, RawClient } from '../testing/raw-client.js';
import { startTestServer, type TestServer } from '../testing/test-server.js';

const dir = mkdtempSync(join(tmpdir(), 'mpp-tls-'));
const files = { cert: join(dir, 'server.crt'), key: join(dir, 'server.key') };
let test: TestServer;
let ca: string;

beforeAll(async () => {
  makeCertificates(dir, 'db.example');
  ca = readFileSync(join(dir, 'ca.crt'), 'utf8');
  test = await startTestServer({ tls: files });
});

afterAll(async () => {
  expect(test.errors).toEqual([]);
  await test.close();
  rmSync(dir, { recursive: true, force: true });
});

async function connected(ssl: object | false): Promise<Client> {
  const client = new Client({ host: '127.0.0.1', port: test.port, user: 'u', database: 'd', ssl });
  await client.connect();
  return client;
}

const SSL_REQUEST = Buffer.concat([int32(8), int32(80877103)]);

describe('the certificates that are made', () => {
  it('are an authority and a server that it vouches for', () => {
    const authority = new X509Certificate(ca);
    const server = new X509Certificate(readFileSync(files.cert));
    expect(authority.ca).toBe(true);
    expect(server.ca).toBe(false);
    expect(server.checkIssued(authority) && server.verify(authority.publicKey)).toBe(true);
    expect(server.checkHost('db.example')).toBe('db.example');
    expect(server.checkHost('localhost')).toBe('localhost');
    expect(server.checkIP('127.0.0.1')).toBe('127.0.0.1');
    expect(server.checkIP('::1')).toBe('::1');
    expect(server.checkHost('evil.example')).toBeUndefined();
    expect(statSync(files.key).mode & 0o777).toBe(0o600);
    expect(statSync(join(dir, 'ca.key')).mode & 0o777).toBe(0o600);
  });
});

describe('encrypted connections', () => {
  it('carry queries, large rows and large parameters', async () => {
    const c = await connected({ ca });
    const text = 'é'.repeat(1 << 20);
    const { rows } = await c.query('select $1::text as t, length($1) as n', [text]);
    expect(rows).toEqual([{ t: text, n: 1 << 20 }]);
    const plain = await connected(false);
    const seen = await plain.query('select pid, ssl, version, bits from pg_stat_ssl order by ssl');
    expect(seen.rows).toEqual([
      { pid: expect.any(Number), ssl: false, version: null, bits: null },
      { pid: expect.any(Number), ssl: true, version: 'TLSv1.3', bits: 256 },
    ]);
    expect((await c.query('show ssl')).rows).toEqual([{ ssl: 'on' }]);
    expect((await c.query('show ssl_cert_file')).rows).toEqual([{ ssl_cert_file: files.cert }]);
    await plain.end();
    await c.end();
  });

  it('are refused by clients that do not trust them', async () => {
    await expect(connected({})).rejects.toThrow(/self-signed certificate|unable to verify/);
    const other = join(dir, 'other');
    mkdirSync(other);
    makeCertificates(other, 'x');
    await expect(connected({ ca: readFileSync(join(other, 'ca.crt'), 'utf8') })).rejects.toThrow(
      /certificate/,
    );
    const verified = { ca, servername: 'evil.example' };
    await expect(connected(verified)).rejects.toThrow(/evil.example|does not match|altnames/);
    await (await connected({ ca })).end();
  });

  it('take cancel requests', async () => {
    test.dispatcher.canned = {
      rows: (i) => Array.from({ length: 1000 }, (_, k) => [i * 1000 + k, 'y'.repeat(200)]),
    };
    const c = await connected({ ca });
    await c.query('create table if not exists big (a int, b text) distributed by (a)');
    const running = c.query('select a, b from big').catch((e: { code: string }) => e.code);
    await expect.poll(() => test.dispatcher.running).toBe(1);
    const { processID, secretKey } = c as unknown as { processID: number; secretKey: number };
    const raw = await RawClient.open(test.port);
    raw.raw(SSL_REQUEST);
    await new Promise((resolve) => raw.socket.once('data', resolve));
    raw.socket.removeAllListeners('data');
    const tls = tlsConnect({ socket: raw.socket, ca, servername: 'localhost' });
    tls.write(Buffer.concat([int32(16), int32(80877102), int32(processID), int32(secretKey)]));
    expect(await running).toBe('57014');
    tls.destroy();
    await c.end();
  });

  it('end alone when the handshake fails, or is preceded by bytes in the clear', async () => {
    const early = await RawClient.open(test.port);
    early.raw(Buffer.concat([SSL_REQUEST, Buffer.from('Q')]));
    expect(errorFields(await early.waitClosed())).toMatchObject({
      C: '08P01',
      M: 'received unencrypted data after SSL request',
    });
    const junk = await RawClient.open(test.port);
    junk.raw(SSL_REQUEST);
    await new Promise((resolve) => junk.socket.once('data', resolve));
    junk.raw(Buffer.from('this is no hello, and never will be one, however long it gets'));
    await junk.waitClosed();
    const old = await RawClient.open(test.port);
    old.raw(SSL_REQUEST);
    await new Promise((resolve) => old.socket.once('data', resolve));
    old.socket.removeAllListeners('data');
    const tls = tlsConnect({ socket: old.socket, ca, maxVersion: 'TLSv1.1', minVersion: 'TLSv1' });
    await new Promise((resolve) => tls.once('error', resolve));
    const leaver = await RawClient.open(test.port);
    leaver.raw(SSL_REQUEST);
    await new Promise((resolve) => leaver.socket.once('data', resolve));
    leaver.end();
    await (await connected({ ca })).end();
    await expect.poll(() => test.server.sessions().length).toBe(0);
  });

  it('use a renewed certificate without a restart, and no broken one', async () => {
    const renewed = join(dir, 'renewed');
    mkdirSync(renewed);
    makeCertificates(renewed, 'db.example');
    for (const name of ['server.crt', 'server.key']) copyFileSync(join(renewed, name), join(dir, name));
    await expect(connected({ ca })).rejects.toThrow();
    const newCa = readFileSync(join(renewed, 'ca.crt'), 'utf8');
    await (await connected({ ca: newCa })).end();
    writeFileSync(files.cert, 'nothing');
    await (await connected({ ca: newCa })).end();
  });

  it('need a certificate and its own key', async () => {
    const other = join(dir, 'third');
    mkdirSync(other);
    makeCertificates(other, 'x');
    const start = (cert: string, key: string) => startTestServer({ tls: { cert, key } });
    await expect(start(join(other, 'server.crt'), join(other, 'ca.key'))).rejects.toThrow(
      /is not the key of/,
    );
    await expect(start(join(other, 'server.key'), join(other, 'server.key'))).rejects.toThrow(
      /server\.key: /,
    );
    await expect(start(join(other, 'none'), join(other, 'server.key'))).rejects.toThrow(/none/);
  });
});

/** The certificates that `mpp init` makes: an authority of the cluster's own, and with it one for the server.
 *
 *  Owns: the files DIR/tls/{ca.crt,ca.key,server.crt,server.key}. A client that has ca.crt can be sure of the server
 *  (sslmode=verify-full). Whoever has certificates of their own names them to the master, or puts them in place of these. */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { hostname } from 'node:os';
import { join } from 'node:path';
import forge from 'node-forge';

const YEARS = 10;
const ALTERNATIVE_DNS = 2;
const ALTERNATIVE_IP = 7;

type Pair = { readonly key: forge.pki.rsa.PrivateKey; readonly certificate: forge.pki.Certificate };

/** `host`: the address that the server listens on. */
export function makeCertificates(directory: string, host: string): void {
  const ca = issued('mpp certificate authority', undefined, [
    { name: 'basicConstraints', cA: true, critical: true },
    { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    { name: 'subjectKeyIdentifier' },
  ]);
  const names = [...new Set(['localhost', hostname(), '127.0.0.1', '::1', host])].filter(
    // Addresses that stand for all of a host's are nothing to connect to.
    (n) => n !== '0.0.0.0' && n !== '::',
  );
  const server = issued(names.includes(host) ? host : hostname(), ca, [
    { name: 'basicConstraints', cA: false },
    { name: 'keyUsage', digitalSignature: true, keyEncipherment: true, critical: true },
    { name: 'extKeyUsage', serverAuth: true },
    {
      name: 'subjectAltName',
      altNames: names.map((n) =>
        isIP(n) ? { type: ALTERNATIVE_IP, ip: n } : { type: ALTERNATIVE_DNS, value: n },
      ),
    },
  ]);
  const write = (name: string, { key, certificate }: Pair): void => {
    writeFileSync(join(directory, `${name}.key`), forge.pki.privateKeyToPem(key), { mode: 0o600 });
    writeFileSync(join(directory, `${name}.crt`), forge.pki.certificateToPem(certificate));
  };
  write('ca', ca);
  write('server', server);
}

/** Signed by `issuer`, or by itself. */
function issued(commonName: string, issuer: Pair | undefined, extensions: readonly object[]): Pair {
  // The platform makes keys a hundred times as fast as the library does.
  const { privateKey, publicKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  const key = forge.pki.privateKeyFromPem(privateKey);
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = forge.pki.publicKeyFromPem(publicKey);
  // Positive, whatever its first byte.
  certificate.serialNumber = `00${randomBytes(16).toString('hex')}`;
  certificate.validity.notBefore = new Date(Date.now() - 60 * 60 * 1000);
  certificate.validity.notAfter = new Date(certificate.validity.notBefore);
  certificate.validity.notAfter.setFullYear(certificate.validity.notBefore.getFullYear() + YEARS);
  const subject = [{ name: 'commonName', value: commonName }];
  certificate.setSubject(subject);
  certificate.setIssuer(issuer?.certificate.subject.attributes ?? subject);
  certificate.setExtensions([...extensions]);
  certificate.sign(issuer?.key ?? key, forge.md.sha256.create());
  return { key, certificate };
}

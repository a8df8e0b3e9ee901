/** What channel binding `tls-server-end-point` binds to: the hash of the server's certificate by the algorithm that signed it,
 *  SHA-256 in place of MD5 and SHA-1. Source: RFC 5929, chapter 4.1.
 *
 *  The algorithm is read from the certificate itself: Node.js does not tell it in all versions that we run on. */
import { createHash } from 'node:crypto';
import type { TLSSocket } from 'node:tls';

/** By the DER bytes of the signature algorithm's object identifier. */
const HASHES: Readonly<Record<string, string>> = {
  '2a864886f70d010104': 'sha256',
  '2a864886f70d010105': 'sha256',
  '2a864886f70d01010b': 'sha256',
  '2a864886f70d01010c': 'sha384',
  '2a864886f70d01010d': 'sha512',
  '2a864886f70d01010e': 'sha224',
  '2a8648ce3d0401': 'sha256',
  '2a8648ce3d040301': 'sha224',
  '2a8648ce3d040302': 'sha256',
  '2a8648ce3d040303': 'sha384',
  '2a8648ce3d040304': 'sha512',
};

/** Undefined for a signature of which the RFC does not say which hash it is (RSA-PSS, Ed25519): no channel binding then. */
export function certificateHash(socket: TLSSocket): Buffer | undefined {
  const certificate = socket.getCertificate();
  if (certificate === null || !('raw' in certificate)) return undefined;
  const { raw } = certificate;
  const hash = HASHES[signatureAlgorithm(raw)];
  return hash === undefined ? undefined : createHash(hash).update(raw).digest();
}

/** Certificate ::= SEQUENCE { tbsCertificate, signatureAlgorithm SEQUENCE { OBJECT IDENTIFIER, ... }, signature } */
function signatureAlgorithm(der: Buffer): string {
  const certificate = elementAt(der, 0);
  const tbs = elementAt(der, certificate.content);
  const algorithm = elementAt(der, tbs.end);
  const oid = elementAt(der, algorithm.content);
  return der.toString('hex', oid.content, oid.end);
}

function elementAt(der: Buffer, at: number): { readonly content: number; readonly end: number } {
  const first = der.readUInt8(at + 1);
  if (first < 0x80) return { content: at + 2, end: at + 2 + first };
  const bytes = first & 0x7f;
  const content = at + 2 + bytes;
  return { content, end: content + der.readUIntBE(at + 2, bytes) };
}

/** The packets with which a connection begins, before it has messages.
 *
 *  Owns: reading them. 08P01 for one that is none, 0A000 for another protocol. Source: PostgreSQL, chapter 55.2.1;
 *  postmaster.c (ProcessStartupPacket). */
import { SqlError } from '../../types/sql-error.js';
import { BodyReader, protocolViolation } from './frontend-messages.js';

const SSL_REQUEST = 80877103;
const GSSENC_REQUEST = 80877104;
const CANCEL_REQUEST = 80877102;

export type StartUpPacket =
  | { readonly kind: 'ssl' }
  | { readonly kind: 'gssenc' }
  | { readonly kind: 'cancel'; readonly key: { readonly pid: number; readonly secret: number } | undefined }
  | {
      readonly kind: 'start';
      readonly minorVersion: number;
      readonly parameters: ReadonlyMap<string, string>;
      /** Options of the protocol that nobody here knows. */
      readonly unrecognized: readonly string[];
    };

/** `packet`: without its length. */
export function readStartUpPacket(packet: Buffer): StartUpPacket {
  const code = packet.readUInt32BE(0);
  if (code === SSL_REQUEST) return { kind: 'ssl' };
  if (code === GSSENC_REQUEST) return { kind: 'gssenc' };
  if (code === CANCEL_REQUEST)
    return {
      kind: 'cancel',
      key: packet.length === 12 ? { pid: packet.readInt32BE(4), secret: packet.readInt32BE(8) } : undefined,
    };
  const major = code >>> 16;
  const minorVersion = code & 0xffff;
  if (major !== 3)
    throw new SqlError(
      '0A000',
      `unsupported frontend protocol ${major}.${minorVersion}: server supports 3.0 to 3.0`,
    );
  const body = new BodyReader(packet.subarray(4), undefined);
  const parameters = new Map<string, string>();
  const unrecognized: string[] = [];
  for (;;) {
    if (body.remaining === 0)
      throw protocolViolation('invalid startup packet layout: expected terminator as last byte');
    const name = body.string();
    if (name === '') break;
    const value = body.string();
    if (name.startsWith('_pq_.')) unrecognized.push(name);
    else parameters.set(name, value);
  }
  if (body.remaining > 0)
    throw protocolViolation('invalid startup packet layout: expected terminator as last byte');
  return { kind: 'start', minorVersion, parameters, unrecognized };
}

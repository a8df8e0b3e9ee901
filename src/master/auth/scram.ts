/** The server's side of one SCRAM-SHA-256 exchange, with channel binding `tls-server-end-point`.
 *
 *  Owns: the messages' grammar and the proof. Must not know: sockets, roles. Invariant: an exchange that cannot succeed
 *  (no such role, no password, an expired one) does the same work and ends where a wrong password ends.
 *  Source: RFC 5802, 7677, 5929; PostgreSQL, auth-scram.c. */
import { randomBytes, timingSafeEqual } from 'node:crypto';
import { SqlError } from '../../types/sql-error.js';
import { hmac, KEY_BYTES, sha256, type Verifier } from './verifier.js';

export const SCRAM = 'SCRAM-SHA-256';
export const SCRAM_PLUS = 'SCRAM-SHA-256-PLUS';

const CHANNEL_BINDING = 'tls-server-end-point';
const NONCE_BYTES = 18;

function malformed(detail: string): SqlError {
  return new SqlError('08P01', 'malformed SCRAM message', { detail });
}

export class ScramExchange {
  private readonly verifier: Verifier;
  private readonly doomed: boolean;
  /** Hash of the server's certificate; undefined without TLS. */
  private readonly certificateHash: Buffer | undefined;
  private readonly plus: boolean;
  private readonly serverNonce: string;
  private gs2Header = '';
  private clientFirstBare = '';
  private nonce = '';
  private serverFirst = '';

  constructor(options: {
    readonly mechanism: string;
    readonly verifier: Verifier;
    /** Fails whatever the proof. */
    readonly doomed: boolean;
    readonly certificateHash: Buffer | undefined;
    /** For tests. */
    readonly serverNonce?: string;
  }) {
    this.verifier = options.verifier;
    this.doomed = options.doomed;
    this.certificateHash = options.certificateHash;
    this.plus = options.mechanism === SCRAM_PLUS;
    this.serverNonce = options.serverNonce ?? randomBytes(NONCE_BYTES).toString('base64');
  }

  /** client-first-message to server-first-message. */
  first(message: string): string {
    const m = /^(n|y|p=([^,]*)),([^,]*),(.*)$/s.exec(message);
    if (m === null) throw malformed('Unexpected channel-binding flag or attribute.');
    const [, flag, binding, authorization, bare] = m as unknown as [
      string,
      string,
      string | undefined,
      string,
      string,
    ];
    this.checkBinding(flag, binding);
    if (authorization !== '')
      throw new SqlError('0A000', 'client uses authorization identity, but it is not supported');
    if (bare.startsWith('m=')) throw new SqlError('0A000', 'client requires an unsupported SCRAM extension');
    const parts = /^n=([^,]*),r=([!-+\--~]+)(,.*)?$/s.exec(bare);
    if (parts === null) throw malformed('Attributes of the first message are missing or not printable.');
    this.gs2Header = `${flag},,`;
    this.clientFirstBare = bare;
    this.nonce = parts[2]! + this.serverNonce;
    const { salt, iterations } = this.verifier;
    this.serverFirst = `r=${this.nonce},s=${salt.toString('base64')},i=${iterations}`;
    return this.serverFirst;
  }

  private checkBinding(flag: string, binding: string | undefined): void {
    if (binding !== undefined) {
      if (!this.plus)
        throw malformed(
          'The client selected SCRAM-SHA-256 without channel binding, but the SCRAM message includes channel binding data.',
        );
      if (binding !== CHANNEL_BINDING)
        throw new SqlError('08P01', `unsupported SCRAM channel-binding type "${binding}"`);
      return;
    }
    if (this.plus)
      throw malformed(
        'The client selected SCRAM-SHA-256-PLUS, but the SCRAM message does not include channel binding data.',
      );
    // Somebody between us has hidden that we offer it.
    if (flag === 'y' && this.certificateHash !== undefined)
      throw new SqlError('28000', 'SCRAM channel binding negotiation error', {
        detail:
          'The client supports SCRAM channel binding but thinks the server does not.  However, this server does support channel binding.',
      });
  }

  /** client-final-message to server-final-message; undefined when the proof is wrong. */
  final(message: string): string | undefined {
    const m = /^(c=([A-Za-z0-9+/]+=*),r=([^,]*)(?:,[^,]*)*?),p=([A-Za-z0-9+/]+=*)$/s.exec(message);
    if (m === null) throw malformed('Attributes of the final message are missing or not in order.');
    const [, withoutProof, channel, nonce, proofText] = m as unknown as [
      string,
      string,
      string,
      string,
      string,
    ];
    const bound = this.plus ? this.certificateHash! : Buffer.alloc(0);
    const expected = Buffer.concat([Buffer.from(this.gs2Header), bound]).toString('base64');
    if (channel !== expected)
      throw this.plus
        ? new SqlError('28000', 'SCRAM channel binding check failed')
        : new SqlError('08P01', 'unexpected SCRAM channel-binding attribute in client-final-message');
    if (nonce !== this.nonce)
      throw new SqlError('08P01', 'invalid SCRAM response', { detail: 'Nonce does not match.' });
    const proof = Buffer.from(proofText, 'base64');
    if (proof.length !== KEY_BYTES) throw malformed('Malformed proof in client-final-message.');
    const { storedKey, serverKey } = this.verifier;
    const authMessage = `${this.clientFirstBare},${this.serverFirst},${withoutProof}`;
    const signature = hmac(storedKey, authMessage);
    const clientKey = Buffer.alloc(KEY_BYTES);
    for (let i = 0; i < KEY_BYTES; i++) clientKey[i] = proof[i]! ^ signature[i]!;
    const proven = timingSafeEqual(sha256(clientKey), storedKey);
    const answer = `v=${hmac(serverKey, authMessage).toString('base64')}`;
    return proven && !this.doomed ? answer : undefined;
  }
}

/** Encryption of clients' connections.
 *
 *  Owns: the server's certificate and key, which are read anew when their files have changed (a renewed certificate
 *  needs no restart), and the handshake over a socket that has been in the clear. Source: PostgreSQL, chapter 19.9. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import type { Socket } from 'node:net';
import { createSecureContext, type SecureContext, TLSSocket } from 'node:tls';
import type { Log } from '../session/services.js';

export type TlsFiles = { readonly cert: string; readonly key: string };

/** What pg_stat_ssl shows of a connection. */
export type TlsSession = { readonly version: string; readonly cipher: string; readonly bits: number };

export class ServerTls {
  private readonly files: TlsFiles;
  private readonly log: Log;
  private context: SecureContext;
  private stamp: string;

  /** Throws with the file's name when there is no usable certificate and key. */
  constructor(files: TlsFiles, log: Log) {
    this.files = files;
    this.log = log;
    this.stamp = this.changed();
    this.context = this.load();
  }

  private changed(): string {
    return [this.files.cert, this.files.key].map((f) => statSync(f, { bigint: true }).mtimeNs).join();
  }

  private load(): SecureContext {
    const { cert, key } = this.files;
    const read = <T>(file: string, parse: (text: Buffer) => T): T => {
      try {
        return parse(readFileSync(file));
      } catch (e) {
        throw new Error(`${file}: ${e instanceof Error ? e.message : String(e)}`);
      }
    };
    const certificate = read(cert, (text) => new X509Certificate(text));
    const privateKey = read(key, (text) => createPrivateKey(text));
    if (!certificate.checkPrivateKey(privateKey)) throw new Error(`${key} is not the key of ${cert}`);
    return createSecureContext({ cert: readFileSync(cert), key: readFileSync(key), minVersion: 'TLSv1.2' });
  }

  private current(): SecureContext {
    try {
      const stamp = this.changed();
      if (stamp !== this.stamp) {
        this.context = this.load();
        this.stamp = stamp;
        this.log.info({ cert: this.files.cert }, 'the certificate was read anew');
      }
    } catch (err) {
      this.log.warn({ err }, 'a changed certificate cannot be used; the last one stays');
    }
    return this.context;
  }

  /** The encrypted socket. `ready` rejects when the handshake fails; `socket` must not be read any more. */
  secure(socket: Socket): { readonly encrypted: TLSSocket; readonly ready: Promise<void> } {
    const encrypted = new TLSSocket(socket, { isServer: true, secureContext: this.current() });
    const ready = new Promise<void>((resolve, reject) => {
      // Errors after the handshake are the connection's.
      encrypted.on('error', reject);
      encrypted.once('close', () => reject(new Error('the client left during the handshake')));
      encrypted.once('secure', resolve);
    });
    return { encrypted, ready };
  }
}

export function tlsSession(socket: Socket): TlsSession | undefined {
  if (!(socket instanceof TLSSocket)) return undefined;
  const cipher = socket.getCipher();
  const bits = /CHACHA20|AES_?256/.test(cipher.name) ? 256 : 128;
  return { version: socket.getProtocol() ?? '', cipher: cipher.name, bits };
}

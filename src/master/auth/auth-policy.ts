/** The rules in force: read from a data directory's hba.conf at start and on reload.
 *
 *  Invariants: a file with an error never replaces rules that work; at start it stops the start. A directory without
 *  the file is one of a version without roles: whoever connects from this host is let in, as then. */
import { createHmac, randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type AuthMethod, defaultHba, HBA_FILE } from '../../types/default-hba.js';
import type { Log } from '../session/services.js';
import { type HbaFile, type HbaRule, parseHba } from './hba-file.js';
import { type HbaRow, hbaRow } from './hba-rows.js';
import { ITERATIONS, KEY_BYTES, SALT_BYTES, type Verifier } from './verifier.js';

const NONCE_FILE = 'auth_nonce';

/** Before the first start on a directory: it gets rules of its own. */
export function writeDefaultHba(directory: string, method: AuthMethod, superuser: string): void {
  const path = join(directory, HBA_FILE);
  if (!existsSync(path)) writeFileSync(path, defaultHba(method, superuser), { mode: 0o600 });
}

export class AuthPolicy {
  private readonly path: string | undefined;
  private readonly log: Log;
  private readonly nonce: Buffer;
  private file: HbaFile | undefined;

  private constructor(path: string | undefined, nonce: Buffer, log: Log) {
    this.path = path;
    this.nonce = nonce;
    this.log = log;
  }

  /** Throws when the file has an error. */
  static open(directory: string, log: Log): AuthPolicy {
    const policy = new AuthPolicy(join(directory, HBA_FILE), nonceOf(directory), log);
    const file = policy.read();
    if (file === undefined)
      log.warn(
        { file: policy.path },
        'there is no hba.conf: any user may connect from this host without a password; nobody may from others',
      );
    const problem = file?.problems[0];
    if (problem !== undefined)
      throw new Error(`could not load ${policy.path}: line ${problem.line}: ${problem.error}`);
    policy.file = file;
    return policy;
  }

  /** Trusts everybody on this host. */
  static none(log: Log): AuthPolicy {
    return new AuthPolicy(undefined, randomBytes(KEY_BYTES), log);
  }

  /** Undefined: there is no file. */
  get rules(): readonly HbaRule[] | undefined {
    return this.file?.rules;
  }

  private read(): HbaFile | undefined {
    if (this.path === undefined || !existsSync(this.path)) return undefined;
    return parseHba(readFileSync(this.path, 'utf8'));
  }

  /** For new connections; false when the file has errors, and then the rules stay as they are. */
  reload(): boolean {
    let file: HbaFile | undefined;
    try {
      file = this.read();
    } catch (err) {
      this.log.error({ file: this.path, err }, 'the hba file cannot be read; the rules stay as they are');
      return false;
    }
    // A file that is gone must not open the door.
    if (file === undefined) {
      if (this.file !== undefined)
        this.log.error({ file: this.path }, 'the hba file is missing; the rules stay as they are');
      return this.file === undefined;
    }
    for (const p of file.problems)
      this.log.error({ file: this.path, line: p.line }, `hba.conf was not reloaded: ${p.error}`);
    if (file.problems.length > 0) return false;
    this.file = file;
    this.log.info({ file: this.path, rules: file.rules.length }, 'hba.conf was loaded');
    return true;
  }

  /** pg_hba_file_rules: the file as it is now, which need not be what is in force. */
  rows(): readonly HbaRow[] {
    const file = this.read();
    if (file === undefined) return [];
    return [...file.rules.map(hbaRow), ...file.problems].sort((a, b) => a.line - b.line);
  }

  /** For a role that is not there: looks like a verifier, and the same one each time. */
  mockVerifier(user: string): Verifier {
    const salt = createHmac('sha256', this.nonce).update(user, 'utf8').digest().subarray(0, SALT_BYTES);
    const nothing = Buffer.alloc(KEY_BYTES);
    return { iterations: ITERATIONS, salt, storedKey: nothing, serverKey: nothing };
  }
}

/** Of the directory, so that a restart does not tell roles that exist from others. */
function nonceOf(directory: string): Buffer {
  const path = join(directory, NONCE_FILE);
  if (existsSync(path)) {
    const known = readFileSync(path);
    if (known.length === KEY_BYTES) return known;
  }
  const nonce = randomBytes(KEY_BYTES);
  writeFileSync(path, nonce, { mode: 0o600 });
  return nonce;
}

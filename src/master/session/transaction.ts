/** A session's transaction block: accepted, tracked and reported as PostgreSQL does.
 *
 *  Every statement commits by itself in this version: inside of a block writes take effect at once, which a warning
 *  says once per block; ROLLBACK undoes settings only. Source: PostgreSQL, xact.c. */
import { SqlError } from '../../types/sql-error.js';
import type { NoticeFields, TransactionStatus } from '../wire/messages.js';

export class TransactionBlock {
  private state: TransactionStatus = 'I';
  private savepoints: string[] = [];
  private warned = false;
  /** Something was written inside of the block. */
  private wrote = false;

  get status(): TransactionStatus {
    return this.state;
  }

  get failed(): boolean {
    return this.state === 'E';
  }

  get open(): boolean {
    return this.state !== 'I';
  }

  get savepointDepth(): number {
    return this.savepoints.length;
  }

  begin(): NoticeFields | undefined {
    if (this.state === 'T') return warning('25001', 'there is already a transaction in progress');
    this.state = 'T';
    this.savepoints = [];
    this.warned = false;
    this.wrote = false;
    return undefined;
  }

  /** Ends the block; `tag` is ROLLBACK for COMMIT of a failed block. */
  end(verb: 'commit' | 'rollback'): { readonly tag: 'COMMIT' | 'ROLLBACK'; readonly notice?: NoticeFields } {
    const before = this.state;
    this.state = 'I';
    if (before === 'I')
      return {
        tag: verb === 'commit' ? 'COMMIT' : 'ROLLBACK',
        notice: warning('25P01', 'there is no transaction in progress'),
      };
    const tag = verb === 'rollback' || before === 'E' ? 'ROLLBACK' : 'COMMIT';
    if (tag === 'ROLLBACK' && this.wrote)
      return {
        tag,
        notice: warning(
          '0A000',
          'changes made in this transaction block took effect at once and are not undone',
        ),
      };
    return { tag };
  }

  savepoint(name: string): void {
    this.requireBlock('SAVEPOINT');
    this.savepoints.push(name);
  }

  release(name: string): void {
    this.requireBlock('RELEASE SAVEPOINT');
    this.savepoints.length = this.find(name);
  }

  rollbackTo(name: string): void {
    this.requireBlock('ROLLBACK TO SAVEPOINT');
    this.savepoints.length = this.find(name) + 1;
    this.state = 'T';
  }

  /** A statement failed. */
  fail(): void {
    if (this.state === 'T') this.state = 'E';
  }

  /** Called before a write; the warning to send, if it is due. */
  beforeWrite(): NoticeFields | undefined {
    if (this.state === 'I') return undefined;
    this.wrote = true;
    if (this.warned) return undefined;
    this.warned = true;
    return warning(
      '0A000',
      'transaction blocks are not supported yet: this statement takes effect at once and cannot be rolled back',
    );
  }

  private find(name: string): number {
    const at = this.savepoints.lastIndexOf(name);
    if (at < 0) throw new SqlError('3B001', `savepoint "${name}" does not exist`);
    return at;
  }

  private requireBlock(what: string): void {
    if (this.state === 'I') throw new SqlError('25P01', `${what} can only be used in transaction blocks`);
  }
}

export function warning(code: string, message: string): NoticeFields {
  return { severity: 'WARNING', code, message };
}

export function abortedBlock(): SqlError {
  return new SqlError(
    '25P02',
    'current transaction is aborted, commands ignored until end of transaction block',
  );
}

/** What all sessions of a master share. */
import type { QueryId } from '../../types/ids.js';
import type { AuthPolicy } from '../auth/auth-policy.js';
import type { MasterCatalog } from '../catalog/master-catalog.js';
import type { SessionActivity } from '../catalog/system/context.js';
import type { Dispatcher } from '../dispatch/api.js';
import type { LockTable } from './locks.js';
import type { StatementStatistics } from './statement-statistics.js';

export interface Log {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export type MasterServices = {
  /** Who may connect. */
  readonly auth: AuthPolicy;
  readonly catalog: MasterCatalog;
  readonly dispatcher: Dispatcher;
  readonly locks: LockTable;
  readonly log: Log;
  /** For rows that do not fit into memory. */
  readonly spoolDirectory: string;
  /** Unique in the cluster. */
  readonly newQueryId: () => QueryId;
  readonly statistics: StatementStatistics;
  /** Of all connected sessions. */
  readonly activity: () => readonly SessionActivity[];
  /** Cancels the statement of the session with this process id, or ends the session; false when there is none. */
  readonly signalBackend: (pid: number, how: 'cancel' | 'terminate') => boolean;
  /** The BroadcastChannel on which worker threads ask for it. */
  readonly signalChannel: string;
};

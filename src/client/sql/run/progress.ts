/** While a query runs: how far it is. */
import type { Session } from '../session.js';

export type Progress = { stop(): void };

export function watchProgress(_session: Session): Progress {
  return { stop() {} };
}

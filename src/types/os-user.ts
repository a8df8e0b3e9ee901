/** The operating system's user: whose name the first superuser has, as in initdb, and as whom clients connect. */
import { userInfo } from 'node:os';

export function operatingSystemUser(): string {
  try {
    return userInfo().username;
  } catch {
    // A container may run a number that no name belongs to.
    return process.env.USER || 'mpp';
  }
}

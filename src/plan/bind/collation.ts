/** Text is ordered by code point: the collations that say so are accepted, all others are not. */
import type { BindContext } from './context.js';

const CODE_POINT = new Set(['C', 'POSIX', 'default', 'ucs_basic', 'C.UTF-8', 'C.utf8']);

export function checkCollation(ctx: BindContext, name: string, location: number | undefined): void {
  if (CODE_POINT.has(name)) return;
  if (/^([a-z]{2,3}([-_.@].*)?|und.*|unicode)$/i.test(name))
    throw ctx.notSupported(`collation "${name}"`, location);
  throw ctx.error('42704', `collation "${name}" for encoding "UTF8" does not exist`, location);
}

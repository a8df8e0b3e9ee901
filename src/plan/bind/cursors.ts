/** DECLARE CURSOR, FETCH, MOVE, CLOSE: what they say. Source: PostgreSQL, portalcmds.c and gram.y's cursor options. */
import type { ClosePortalStmt, DeclareCursorStmt, FetchStmt } from 'libpg-query';
import type { BindContext } from './context.js';
import type { FetchDirection, QueryStatement, UtilityStatement } from './statement.js';

const BINARY = 0x1;
const SCROLL = 0x2;
const NO_SCROLL = 0x4;
const INSENSITIVE = 0x8;
const ASENSITIVE = 0x10;
const HOLD = 0x20;

/** How the grammar says ALL. */
const ALL = 2147483647;

export function bindDeclareCursor(
  ctx: BindContext,
  s: DeclareCursorStmt,
  query: QueryStatement,
  statement: string,
): UtilityStatement {
  const options = s.options ?? 0;
  const both = (a: number, b: number): boolean => (options & a) !== 0 && (options & b) !== 0;
  if (both(SCROLL, NO_SCROLL)) throw ctx.error('42P11', 'cannot specify both SCROLL and NO SCROLL', -1);
  if (both(ASENSITIVE, INSENSITIVE))
    throw ctx.error('42P11', 'cannot specify both ASENSITIVE and INSENSITIVE', -1);
  return {
    kind: 'declareCursor',
    name: s.portalname ?? '',
    query,
    binary: (options & BINARY) !== 0,
    scroll: (options & SCROLL) !== 0,
    hold: (options & HOLD) !== 0,
    statement,
  };
}

export function bindFetch(s: FetchStmt): UtilityStatement {
  const count = Number(s.howMany ?? 0);
  return {
    kind: 'fetch',
    name: s.portalname ?? '',
    move: s.ismove === true,
    direction: directionOf(s.direction ?? 'FETCH_FORWARD'),
    count: count >= ALL ? Number.POSITIVE_INFINITY : count <= -ALL ? Number.NEGATIVE_INFINITY : count,
  };
}

function directionOf(d: NonNullable<FetchStmt['direction']>): FetchDirection {
  switch (d) {
    case 'FETCH_BACKWARD':
      return 'backward';
    case 'FETCH_ABSOLUTE':
      return 'absolute';
    case 'FETCH_RELATIVE':
      return 'relative';
    default:
      return 'forward';
  }
}

export function bindCloseCursor(s: ClosePortalStmt): UtilityStatement {
  return { kind: 'closeCursor', name: s.portalname };
}

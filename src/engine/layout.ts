/** Fixed fields of the two state blocks that every compiled function receives.
 *
 *  Query state (`qs`): one per running slice, shared by its workers. Worker state (`ws`): one per slice and worker,
 *  touched by that worker alone while a pipeline runs. Compiled slots start behind the fixed fields.
 *  All fields are u32 unless said otherwise. */

export const QS = {
  /** Atomic: non-zero = stop at once (cancelled or failed elsewhere). Loops that can expand rows check it. */
  cancel: 0,
  workers: 4,
  /** Atomic: bytes of memory used by this slice, in 4 KiB pages, kept by `host.alloc`. */
  usedPages: 8,
  limitPages: 12,
  /** Head of the owner list of all blocks that `host.alloc` gave to this slice. */
  blocks: 16,
  /** Receivers of the slice's motion: the number of partitions. Written by the runtime; 0 counts as 1. */
  receivers: 20,
  /** Addresses of the worker states: u32 each, up to 64 workers. */
  workerStates: 64,
  /** First byte that the compiler may lay out. */
  slots: 64 + 64 * 4,
} as const;

export const WS = {
  index: 0,
  /** Bump allocator for values that live for one call of a run function; reset by the runtime before each call. */
  tempNext: 8,
  tempEnd: 12,
  tempStart: 16,
  /** List of finished out-chunks (address of the first; each chunk links the next at +0) and its tail. */
  chunksHead: 20,
  chunksTail: 24,
  chunksReady: 28,
  /** Bump allocator for rows and strings that live as long as the query: blocks linked at +0. */
  arenaNext: 32,
  arenaEnd: 36,
  arenaBlocks: 40,
  /** Result of a host call: up to 16 bytes. */
  hostResult: 48,
  /** First byte that the compiler may lay out. */
  slots: 128,
} as const;

/** Error numbers passed to `host.fail(number, detail)`: compiled code cannot build messages. */
export const FAIL = {
  integerOutOfRange: 1, // 22003 integer out of range
  smallintOutOfRange: 2,
  bigintOutOfRange: 3,
  numericOverflow: 4, // value overflows numeric format
  divisionByZero: 5, // 22012
  subqueryRows: 6, // 21000 more than one row returned by a subquery used as an expression
  cancelled: 7, // 57014
  negativeLimit: 8, // 2201W
  negativeOffset: 9, // 2201X
  floatOverflow: 10, // 22003 value out of range: overflow
  floatUnderflow: 11,
  dateOutOfRange: 12, // 22008
  timestampOutOfRange: 13, // 22008
  realOutOfRange: 14,
  /** An internal invariant: XX000. */
  internal: 15,
} as const;

/** Imports of every compiled module: `env.memory` (shared), and
 *  `host.alloc(qs i32, bytes i32) -> i32` (zeroed? no; 64-byte aligned; throws 53200), `host.free(qs, address)`,
 *  `host.fail(number i32, detail i32)` (throws), `host.call(index, ws, arguments) -> i32` (1 = null, else the
 *  value is in WS.hostResult; see codegen/host-calls.ts). */
export const IMPORTS = ['alloc', 'free', 'fail', 'call'] as const;

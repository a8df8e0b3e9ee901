/** How a slice's failure crosses processes: the SqlError whole, and which segment was lost when that is the cause.
 *
 *  The master words the message about a lost segment (it knows slices and addresses); others only say which one. */
import type { MotionId, SegmentId } from '../types/ids.js';
import { errorFromWire, errorToWire, SqlError, type WireError } from '../types/sql-error.js';

export class MotionBroken extends SqlError {
  readonly segment: SegmentId;

  constructor(segment: SegmentId, message: string, detail?: string) {
    super('08006', message, { detail });
    this.segment = segment;
  }

  static during(motion: MotionId, segment: SegmentId, detail?: string): MotionBroken {
    return new MotionBroken(
      segment,
      `the connection to ${placeName(segment)} was lost in motion ${motion}`,
      detail,
    );
  }
}

export type WireFailure = { readonly error: WireError; readonly lost?: SegmentId | undefined };

export function failureToWire(e: unknown): WireFailure {
  return { error: errorToWire(e), lost: e instanceof MotionBroken ? e.segment : undefined };
}

export function failureFromWire(f: WireFailure): SqlError {
  return f.lost === undefined
    ? errorFromWire(f.error)
    : new MotionBroken(f.lost, f.error.message, f.error.detail);
}

export function placeName(segment: SegmentId): string {
  return segment < 0 ? 'the master' : `segment ${segment}`;
}

/** A slice's motions as its sources; scans and virtual tables come from whoever runs it. */
import type { ColId, MotionId, QueryId } from '../types/ids.js';
import type { BatchSource } from '../types/memory.js';
import type { Range, SqlType } from '../types/sql-type.js';
import { mergeStreams } from './merge-streams.js';
import type { MotionService } from './motion-service.js';

/** A plan's ReceiveOp is one; sort keys are columns of the motion. */
export type ReceiveSpec = {
  readonly motion: MotionId;
  readonly cols: readonly { readonly id: ColId; readonly type: SqlType; readonly range?: Range }[];
  readonly merge:
    | readonly {
        readonly expr: { readonly kind: string; readonly id?: ColId };
        readonly descending: boolean;
        readonly nullsFirst: boolean;
      }[]
    | undefined;
};

export function sliceSources<Others>(exchange: MotionService, queryId: QueryId, others: Others) {
  return {
    ...others,
    receive: (op: ReceiveSpec): BatchSource => exchange.receiver(queryId, op.motion).unordered(),
    receiveMerged: (op: ReceiveSpec) =>
      mergeStreams(op, exchange.receiver(queryId, op.motion), exchange.memory),
  };
}

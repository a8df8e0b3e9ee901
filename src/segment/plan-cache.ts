/** Plans that this segment was sent of late, decoded, by their bytes.
 *
 *  A plan that is run again is the same object again, so that what others know of its slices (the engine's compiled modules)
 *  is found without looking at it. Plans are data: nothing of a run stays here. */
import { createHash } from 'node:crypto';
import type { PlanShare } from '../exchange/control-messages.js';
import { unpack } from '../exchange/grpc/codec.js';
import type { Slice } from '../plan/physical.js';

const PLANS_MAX = 256;
const PLAN_BYTES_MAX = 256 << 10;

export class PlanCache {
  private readonly plans = new Map<string, PlanShare<Slice>>();

  get(bytes: Uint8Array): PlanShare<Slice> {
    if (bytes.length > PLAN_BYTES_MAX) return unpack(bytes);
    const key = createHash('sha256').update(bytes).digest('base64');
    const known = this.plans.get(key);
    if (known !== undefined) this.plans.delete(key);
    const plan = known ?? unpack<PlanShare<Slice>>(bytes);
    this.plans.set(key, plan);
    if (this.plans.size > PLANS_MAX) this.plans.delete(this.plans.keys().next().value!);
    return plan;
  }
}

/** Least-significant-digit radix sort of entries (prefix i64, address u32 at +8; 16 bytes) by their prefix: stable, a pass
 *  for each byte in which prefixes differ. Integers of a small range take two or three passes. */
import type { LibFunction } from '../codegen/context.js';
import { FAIL, QS } from '../layout.js';

const BUCKETS = 256;
const HISTOGRAM_BYTES = BUCKETS * 4;

/** (qs, entries, n) */
export const radixSort: LibFunction = {
  name: 'sort.radix',
  params: ['i32', 'i32', 'i32'],
  results: [],
  build(f, ctx) {
    const [qs, entries, n] = f.params;
    const histograms = f.local('i32');
    const buffer = f.local('i32');
    const from = f.local('i32');
    const to = f.local('i32');
    const at = f.local('i32');
    const end = f.local('i32');
    const slot = f.local('i32');
    const sum = f.local('i32');
    const count = f.local('i32');
    const bytesAll = f.local('i32');
    const digit = f.local('i64');
    const prefix = f.local('i64');
    f.get(n).i32(4).op('i32.shl').set(bytesAll);
    f.get(qs).get(bytesAll).call(ctx.host.alloc).tee(buffer).set(to);
    f.get(qs)
      .i32(8 * HISTOGRAM_BYTES)
      .call(ctx.host.alloc)
      .set(histograms);
    f.get(histograms)
      .i32(0)
      .i32(8 * HISTOGRAM_BYTES)
      .memoryFill();
    f.get(entries).tee(from).tee(at).get(bytesAll).op('i32.add').set(end);
    f.loop((again) => {
      f.get(at).mem('i64.load').set(prefix);
      for (let b = 0; b < 8; b++) {
        f.get(prefix);
        if (b > 0) f.i64(BigInt(8 * b)).op('i64.shr_u');
        f.op('i32.wrap_i64')
          .i32(255)
          .op('i32.and')
          .i32(2)
          .op('i32.shl')
          .get(histograms)
          .op('i32.add')
          .tee(slot);
        f.get(slot)
          .mem('i32.load', b * HISTOGRAM_BYTES)
          .i32(1)
          .op('i32.add');
        f.mem('i32.store', b * HISTOGRAM_BYTES);
      }
      f.get(at).i32(16).op('i32.add').tee(at).get(end).op('i32.lt_u').brIf(again);
    });
    const histogram = f.local('i32');
    const pushSlot = (): void => {
      f.get(prefix).get(digit).op('i64.shr_u').op('i32.wrap_i64').i32(255).op('i32.and').i32(2).op('i32.shl');
      f.get(histogram).op('i32.add');
    };
    f.get(histograms).set(histogram);
    f.loop((nextDigit) => {
      f.block((skip) => {
        f.get(qs).mem('i32.atomic.load', QS.cancel);
        f.if(() => f.i32(FAIL.cancelled).i32(0).call(ctx.host.fail));
        f.get(from).mem('i64.load').set(prefix);
        pushSlot();
        f.mem('i32.load').get(n).op('i32.eq').brIf(skip);
        // Counts become positions.
        f.i32(0).set(sum);
        f.get(histogram).tee(slot).i32(HISTOGRAM_BYTES).op('i32.add').set(end);
        f.loop((again) => {
          f.get(slot).mem('i32.load').set(count);
          f.get(slot).get(sum).mem('i32.store');
          f.get(sum).get(count).i32(4).op('i32.shl').op('i32.add').set(sum);
          f.get(slot).i32(4).op('i32.add').tee(slot).get(end).op('i32.lt_u').brIf(again);
        });
        f.get(from).tee(at).get(bytesAll).op('i32.add').set(end);
        f.loop((again) => {
          f.get(at).mem('i64.load').set(prefix);
          pushSlot();
          f.tee(slot).mem('i32.load').set(sum);
          f.get(slot).get(sum).i32(16).op('i32.add').mem('i32.store');
          f.get(to).get(sum).op('i32.add').tee(sum).get(prefix).mem('i64.store');
          f.get(sum).get(at).mem('i32.load', 8).mem('i32.store', 8);
          f.get(at).i32(16).op('i32.add').tee(at).get(end).op('i32.lt_u').brIf(again);
        });
        f.get(from).get(to).set(from).set(to);
      });
      f.get(histogram).i32(HISTOGRAM_BYTES).op('i32.add').set(histogram);
      f.get(digit).i64(8n).op('i64.add').tee(digit).i64(64n).op('i64.lt_u').brIf(nextDigit);
    });
    f.get(from).get(entries).op('i32.ne');
    f.if(() => f.get(entries).get(from).get(bytesAll).memoryCopy());
    f.get(qs).get(histograms).call(ctx.host.free);
    f.get(qs).get(buffer).call(ctx.host.free);
  },
};

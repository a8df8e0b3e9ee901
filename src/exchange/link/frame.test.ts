import { fileURLToPath } from 'node:url';
import { loadSync } from '@grpc/proto-loader';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeFrames, encodeFrames, type Frame, type FrameBody } from './frame.js';

const definitions = loadSync(fileURLToPath(new URL('../../../proto/mpp.proto', import.meta.url)), {
  keepCase: true,
  longs: Number,
  oneofs: true,
});
const byProto = definitions['mpp.Exchange'] as unknown as {
  Link: { requestDeserialize(b: Buffer): { frames: ProtoFrame[] } };
};
type ProtoFrame = Record<string, unknown> & { stream?: number; body: string };

const bytes = fc.uint8Array({ maxLength: 300 });
const id = fc.integer({ min: 0, max: 2 ** 31 - 1 });
const body: fc.Arbitrary<FrameBody> = fc.oneof(
  fc.record({ kind: fc.constant('hello' as const), address: fc.string({ unit: 'grapheme' }) }),
  fc.record({
    kind: fc.constant('open' as const),
    open: fc.record({
      queryId: fc.string(),
      motion: id,
      from: fc.integer({ min: -2, max: 2 ** 30 }),
      to: fc.integer({ min: -2, max: 2 ** 30 }),
    }),
  }),
  fc.record({ kind: fc.constant('batch' as const), batch: bytes }),
  fc.record({ kind: fc.constant('end' as const), rows: fc.integer({ min: 0, max: 2 ** 52 }) }),
  fc.record({ kind: fc.constant('failed' as const), failure: bytes }),
  fc.record({ kind: fc.constant('credit' as const), messages: id }),
  fc.constantFrom({ kind: 'stop' as const }, { kind: 'closed' as const }, { kind: 'cancel' as const }),
  fc.record({ kind: fc.constantFrom('execute' as const, 'done' as const), body: bytes }),
  fc.record({ kind: fc.constant('filter' as const), id, bits: bytes }),
);
const frames: fc.Arbitrary<Frame[]> = fc.array(fc.record({ stream: id, body }), { maxLength: 6 });

function plain(list: readonly Frame[]): unknown {
  return list.map((f) => ({
    stream: f.stream,
    body: Object.fromEntries(
      Object.entries(f.body).map(([k, v]) => [k, v instanceof Uint8Array ? [...v] : v]),
    ),
  }));
}

test('frames round-trip', () => {
  fc.assert(
    fc.property(frames, (list) => {
      expect(plain(decodeFrames(encodeFrames(list)))).toEqual(plain(list));
    }),
  );
});

test('the bytes are what the .proto says', () => {
  fc.assert(
    fc.property(frames, (list) => {
      const read = byProto.Link.requestDeserialize(encodeFrames(list)).frames ?? [];
      expect(read.length).toBe(list.length);
      list.forEach((f, i) => {
        const r = read[i]!;
        expect(r.stream ?? 0).toBe(f.stream);
        expect(r.body).toBe(f.body.kind);
        if (f.body.kind === 'open') {
          const { queryId, motion, from, to } = f.body.open;
          const {
            query_id = '',
            motion: m = 0,
            from_segment = 0,
            to_segment = 0,
          } = r.open as Record<string, unknown>;
          expect([query_id, m, from_segment, to_segment]).toEqual([queryId, motion, from, to]);
        }
        if (f.body.kind === 'filter') {
          const { id = 0, bits = [] } = r.filter as { id?: number; bits?: Uint8Array };
          expect([id, [...bits]]).toEqual([f.body.id, [...f.body.bits]]);
        }
        if (f.body.kind === 'end') expect(r.end).toBe(f.body.rows);
        if (f.body.kind === 'batch') expect([...(r.batch as Uint8Array)]).toEqual([...f.body.batch]);
      });
    }),
  );
});

test('any bytes are frames or 08P01, and a cut message never reads past its end', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (raw) => {
      try {
        decodeFrames(Buffer.from(raw));
      } catch (e) {
        expect(e).toMatchObject({ code: '08P01' });
      }
    }),
  );
  fc.assert(
    fc.property(frames, fc.nat(), (list, cut) => {
      const whole = encodeFrames(list);
      const part = whole.subarray(0, whole.length === 0 ? 0 : cut % whole.length);
      try {
        expect(decodeFrames(Buffer.from(part)).length).toBeLessThanOrEqual(list.length);
      } catch (e) {
        expect(e).toMatchObject({ code: '08P01' });
      }
    }),
  );
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { columnValue } from '../../types/columnar.js';
import { SIGNATURE } from '../../types/copy-binary.js';
import { type CopyOptions, TEXT_COPY } from '../../types/copy-options.js';
import { parseCopyBlock } from '../../types/copy-text.js';
import { SqlError } from '../../types/sql-error.js';
import type { SqlType } from '../../types/sql-type.js';
import { DEFAULT_TEXT_SETTINGS } from '../../types/text-io.js';
import type { Value } from '../../types/value.js';
import { valueBlock } from '../session/rows.js';
import { ByteWriter } from '../wire/byte-writer.js';
import { CopyTupleSplitter } from './copy-tuples.js';

const BINARY: CopyOptions = { ...TEXT_COPY, format: 'binary' };
const settings = { ...DEFAULT_TEXT_SETTINGS, user: 'u', database: 'd', searchPath: [] };
const HEADER = Buffer.concat([SIGNATURE, Buffer.alloc(8)]);
const END = Buffer.from('ffff', 'hex');

const decimals = (digits: number, scale: number): fc.Arbitrary<Value> =>
  fc
    .oneof(
      fc.bigInt({ min: 1n - 10n ** BigInt(digits), max: 10n ** BigInt(digits) - 1n }),
      fc.bigInt({ min: -20000n, max: 20000n }),
      fc.nat(8).map((n) => 10n ** BigInt(n)),
    )
    .map((unscaled) => ({ unscaled, scale }));

const columns: readonly (readonly [SqlType, fc.Arbitrary<Value>])[] = [
  [{ kind: 'bool' }, fc.boolean()],
  [{ kind: 'int2' }, fc.integer({ min: -32768, max: 32767 })],
  [{ kind: 'int4' }, fc.integer()],
  [{ kind: 'int8' }, fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n })],
  [{ kind: 'oid' }, fc.integer({ min: 0, max: 4294967295 })],
  [{ kind: 'float4' }, fc.float({ noNaN: true })],
  [{ kind: 'float8' }, fc.double({ noNaN: true })],
  [{ kind: 'numeric', precision: 15, scale: 2 }, decimals(15, 2)],
  [{ kind: 'numeric', precision: 30, scale: 5 }, decimals(30, 5)],
  [{ kind: 'numeric', precision: 9, scale: 0 }, decimals(9, 0)],
  [{ kind: 'numeric' }, decimals(40, 7)],
  [{ kind: 'text' }, fc.string({ unit: 'grapheme', maxLength: 60 }).map((s) => s.replaceAll('\0', ''))],
  [{ kind: 'varchar', length: 5 }, fc.string({ unit: 'grapheme-ascii', maxLength: 5 })],
  [
    { kind: 'date' },
    fc.oneof(fc.integer({ min: -99999, max: 99999 }), fc.constantFrom(2147483647, -2147483648)),
  ],
  [{ kind: 'timestamp' }, fc.bigInt({ min: -(10n ** 15n), max: 10n ** 15n })],
  [{ kind: 'time' }, fc.bigInt({ min: 0n, max: 86_400_000_000n })],
  [
    { kind: 'interval' },
    fc.record({
      micros: fc.bigInt({ min: -(10n ** 12n), max: 10n ** 12n }),
      days: fc.integer({ min: -99, max: 99 }),
      months: fc.integer({ min: -99, max: 99 }),
    }),
  ],
  [{ kind: 'bytea' }, fc.uint8Array({ maxLength: 9 }).map((b) => Uint8Array.from(b))],
  [{ kind: 'array', element: { kind: 'int4' } }, fc.constantFrom('{1,NULL}', '{}', '{{1,2},{3,4}}')],
];
const types = columns.map(([t]) => t);
const row = fc.tuple(...columns.map(([, v]) => fc.option(v, { nil: null, freq: 6 })));
const described = types.map((type, i) => ({ name: `c${i}`, type }));

function tuples(rows: readonly (readonly Value[])[], of: readonly SqlType[]): Buffer {
  const w = new ByteWriter(64);
  valueBlock(rows, of, DEFAULT_TEXT_SETTINGS).copyTuples(w, false);
  return w.take();
}

function split(pieces: readonly Buffer[], width: number): { bytes: Buffer; firstLine: number }[] {
  const splitter = new CopyTupleSplitter(width);
  const blocks = [];
  for (const piece of pieces) {
    if (splitter.ended) break;
    blocks.push(splitter.push(piece));
  }
  blocks.push(splitter.finish());
  return blocks.flatMap((b) => (b === undefined ? [] : [{ ...b, bytes: Buffer.from(b.bytes) }]));
}

function pieces(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const cut: Buffer[] = [];
  let at = 0;
  for (let i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length]!;
    cut.push(bytes.subarray(at, at + size));
    at += size;
  }
  return cut;
}

describe('a binary COPY', () => {
  it('gives back the rows that were written, however its bytes are cut', () => {
    fc.assert(
      fc.property(
        fc.array(row, { maxLength: 20 }),
        fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 5 }),
        (rows, sizes) => {
          const input = Buffer.concat([HEADER, tuples(rows, types), END]);
          const got: Value[][] = [];
          for (const block of split(pieces(input, sizes), types.length)) {
            expect(block.firstLine).toBe(got.length + 1);
            const parsed = parseCopyBlock(block.bytes, block.firstLine, BINARY, described, {
              table: 't',
              settings,
            });
            for (let r = 0; r < parsed.rows; r++)
              got.push(types.map((type, c) => columnValue(type, parsed.columns[c]!, r)));
          }
          const plain = (v: Value): Value | number[] => (v instanceof Uint8Array ? [...v] : v);
          expect(got.map((r) => r.map(plain))).toEqual(rows.map((r) => r.map(plain)));
        },
      ),
      { numRuns: 150 },
    );
  });

  it('is cut into blocks at whole tuples', () => {
    const text: SqlType[] = [{ kind: 'int4' }, { kind: 'text' }];
    const rows = Array.from({ length: 3000 }, (_, i): Value[] => [
      i,
      i === 1500 ? 'x'.repeat(3 << 20) : 'y'.repeat(999),
    ]);
    const body = tuples(rows, text);
    const blocks = split(pieces(Buffer.concat([HEADER, body, END]), [65536, 1000, 7]), 2);
    expect(blocks.length).toBeGreaterThan(2);
    expect(Buffer.concat(blocks.map((b) => b.bytes)).equals(Buffer.concat([body, END]))).toBe(true);
    let line = 1;
    for (const { bytes, firstLine } of blocks) {
      expect(firstLine).toBe(line);
      for (let at = 0; bytes.readInt16BE(at) !== -1; line++) {
        at += 10;
        at += 4 + bytes.readInt32BE(at);
        if (at === bytes.length) {
          line++;
          break;
        }
      }
    }
    expect(line).toBe(3001);
  });

  it('skips an extension of the header without keeping it', () => {
    const header = Buffer.concat([SIGNATURE, Buffer.from('00000005', 'hex'), Buffer.from('00100000', 'hex')]);
    const input = Buffer.concat([header, Buffer.alloc(1 << 20), tuples([[7]], [{ kind: 'int4' }]), END]);
    expect(split(pieces(input, [4096]), 1)).toEqual([
      { bytes: Buffer.concat([tuples([[7]], [{ kind: 'int4' }]), END]), firstLine: 1 },
    ]);
    expect(() => split(pieces(input.subarray(0, 9999), [4096]), 1)).toThrow(
      new SqlError('22P04', 'invalid COPY file header (wrong length)'),
    );
  });
});

/** Finished output rows in memory: columns built directly in Arrow's layout.
 *
 *  A chunk is one allocation (header, validity bitmaps, value arrays, offsets at places fixed by the schema) plus one
 *  growing heap per string column. Header, u32: +0 next finished chunk, +4 rows, +8 partition, +12 bytes in all heaps,
 *  +16 columns, then 24 bytes per column: encoding code, data, data bytes, validity, offsets, heap capacity.
 *  Bitmaps start as all ones; a null clears its bit. Ownership: the query's until `readChunks` detaches the chunk, then
 *  the sink's, which releases it. */
import type { Column } from '../../plan/expr.js';
import { type ChunkColumn, ENCODING_CODE, type Encoding, type OutChunk } from '../../types/memory.js';
import { type Repr, reprOf } from '../../types/sql-type.js';
import type { SliceContext } from '../codegen/context.js';
import type { Emitter } from '../codegen/emitter.js';
import { isConst } from '../codegen/val.js';
import { storeVal } from '../codegen/value-ops.js';
import { QS, WS } from '../layout.js';
import type { Func, Local } from '../wasm/module-builder.js';
import { toRepr } from './coerce.js';
import type { SliceCompiler } from './pipeline.js';

export const ROWS = 4;
export const PARTITION = 8;
const HEAP_BYTES = 12;
const COLUMNS = 16;
const FIRST_COLUMN = 24;
const COLUMN_BYTES = 24;
const CHUNK_BYTES = 256 * 1024;
const CHUNK_ROWS = 8192;
const FIRST_HEAP_BYTES = 8 * 1024;

export const BROADCAST = 0xffffffff;

const ENCODING_OF: Record<Repr, Encoding> = {
  i32: 'i32',
  i64: 'i64',
  i128: 'i128',
  interval: 'i128',
  f32: 'f32',
  f64: 'f64',
  str: 'utf8',
};
const WIDTH: Partial<Record<Encoding, number>> = { i8: 1, i32: 4, i64: 8, i128: 16, f32: 4, f64: 8, utf8: 4 };

export function outEncoding(col: Column): Encoding {
  return col.type.kind === 'bool' ? 'i8' : ENCODING_OF[reprOf(col.type, col.range)];
}

type Place = {
  readonly col: Column;
  readonly encoding: Encoding;
  readonly repr: Repr;
  readonly data: number;
  readonly validity: number;
  readonly desc: number;
};

export class ChunkWriter {
  private readonly places: readonly Place[];
  private readonly capacity: number;
  private readonly bytes: number;
  private readonly bitmaps: { readonly from: number; readonly bytes: number };
  private readonly make: Func;
  /** `(queryState, workerState, chunk)`: links it into the worker's list of finished chunks. */
  readonly finishChunk: Func;

  /** `partition`: emits code that leaves the partition of a finished chunk (random motions). */
  constructor(c: SliceCompiler, cols: readonly Column[], partition?: (e: Emitter) => void) {
    let rowBits = 0;
    for (const col of cols) rowBits += WIDTH[outEncoding(col)]! * 8 + (col.nullable ? 1 : 0);
    this.capacity =
      Math.max(256, Math.min(CHUNK_ROWS, Math.floor((CHUNK_BYTES * 8) / Math.max(1, rowBits)))) & ~63;
    let at = (FIRST_COLUMN + cols.length * COLUMN_BYTES + 63) & ~63;
    const from = at;
    const validity = cols.map((col) => {
      if (!col.nullable) return 0;
      const v = at;
      at += this.capacity / 8;
      return v;
    });
    this.bitmaps = { from, bytes: at - from };
    this.places = cols.map((col, i) => {
      const encoding = outEncoding(col);
      at = (at + 63) & ~63;
      const data = at;
      at += WIDTH[encoding]! * (this.capacity + (encoding === 'utf8' ? 1 : 0));
      return {
        col,
        encoding,
        repr: reprOf(col.type, col.range),
        data,
        validity: validity[i],
        desc: FIRST_COLUMN + i * COLUMN_BYTES,
      };
    });
    this.bytes = at;
    this.make = this.makeFunction(c);
    this.finishChunk = this.finishFunction(c, partition);
  }

  /** Leaves a new empty chunk; the partition (i32) is on the stack. */
  pushNew(e: Emitter): void {
    const partition = e.save('i32');
    e.f.get(e.qs).get(e.ws).get(partition).call(this.make);
  }

  /** Appends the row that the emitter's columns hold; leaves i32: 1 = the chunk is full. */
  append(e: Emitter, chunk: Local): void {
    const { f } = e;
    f.get(chunk).mem('i32.load', ROWS);
    const n = e.save('i32');
    let strings = false;
    for (const place of this.places) {
      const val = toRepr(e, e.column(place.col.id), place.repr);
      if (val.isNull !== undefined && !(isConst(val.isNull) && val.isNull.const === 0)) {
        if (place.validity === 0) e.push(val.isNull).if(() => e.fail(15, place.col.id));
        else {
          const clear = (): void => {
            f.get(chunk).get(n).i32(3).op('i32.shr_u').op('i32.add');
            f.get(chunk).get(n).i32(3).op('i32.shr_u').op('i32.add').mem('i32.load8_u', place.validity);
            f.i32(-2)
              .get(n)
              .i32(7)
              .op('i32.and')
              .op('i32.rotl')
              .op('i32.and')
              .mem('i32.store8', place.validity);
          };
          e.push(val.isNull).if(clear);
        }
      }
      if (place.encoding === 'utf8') {
        strings = true;
        f.get(e.qs).get(chunk).i32(place.desc).get(chunk).get(n).i32(2).op('i32.shl').op('i32.add');
        f.i32(place.data + 4).op('i32.add');
        e.push(val.parts[0]);
        if (val.isNull !== undefined) {
          f.i64(0n);
          e.pushNull(val).op('i32.eqz').op('select');
        }
        f.call(appendString(e.ctx));
        continue;
      }
      const shift = Math.log2(WIDTH[place.encoding]!);
      f.get(chunk).get(n);
      if (shift > 0) f.i32(shift).op('i32.shl');
      f.op('i32.add');
      if (place.encoding === 'i8') e.push(val.parts[0]).mem('i32.store8', place.data);
      else {
        const address = e.save('i32');
        storeVal(e, address, place.data, val);
      }
    }
    f.get(chunk).get(n).i32(1).op('i32.add').tee(n).mem('i32.store', ROWS);
    f.get(n).i32(this.capacity).op('i32.eq');
    if (strings) f.get(chunk).mem('i32.load', HEAP_BYTES).i32(CHUNK_BYTES).op('i32.gt_u').op('i32.or');
  }

  private makeFunction(c: SliceCompiler): Func {
    return c.func(['i32'], ['i32'], (e, [partition]) => {
      const { f } = e;
      const chunk = f.local('i32');
      f.get(e.qs).i32(this.bytes).call(c.ctx.host.alloc).set(chunk);
      f.get(chunk).i32(0).i32(this.bitmaps.from).memoryFill();
      if (this.bitmaps.bytes > 0)
        f.get(chunk).i32(this.bitmaps.from).op('i32.add').i32(255).i32(this.bitmaps.bytes).memoryFill();
      f.get(chunk).get(partition).mem('i32.store', PARTITION);
      f.get(chunk).i32(this.places.length).mem('i32.store', COLUMNS);
      for (const p of this.places) {
        f.get(chunk).i32(ENCODING_CODE[p.encoding]).mem('i32.store', p.desc);
        if (p.validity > 0)
          f.get(chunk)
            .get(chunk)
            .i32(p.validity)
            .op('i32.add')
            .mem('i32.store', p.desc + 12);
        const field = p.encoding === 'utf8' ? 16 : 4;
        f.get(chunk)
          .get(chunk)
          .i32(p.data)
          .op('i32.add')
          .mem('i32.store', p.desc + field);
        if (p.encoding === 'utf8') f.get(chunk).i32(0).mem('i32.store', p.data);
      }
      f.get(chunk);
    });
  }

  private finishFunction(c: SliceCompiler, partition?: (e: Emitter) => void): Func {
    return c.func(['i32'], [], (e, [chunk]) => {
      const { f, ws } = e;
      for (const p of this.places) {
        if (p.encoding === 'utf8') continue;
        f.get(chunk)
          .get(chunk)
          .mem('i32.load', ROWS)
          .i32(WIDTH[p.encoding]!)
          .op('i32.mul')
          .mem('i32.store', p.desc + 8);
      }
      if (partition) {
        f.get(chunk);
        partition(e);
        f.mem('i32.store', PARTITION);
      }
      f.get(ws).mem('i32.load', WS.chunksTail);
      f.if(
        () => f.get(ws).mem('i32.load', WS.chunksTail).get(chunk).mem('i32.store', 0),
        () => f.get(ws).get(chunk).mem('i32.store', WS.chunksHead),
      );
      f.get(ws).get(chunk).mem('i32.store', WS.chunksTail);
      f.get(ws).get(ws).mem('i32.load', WS.chunksReady).i32(1).op('i32.add').mem('i32.store', WS.chunksReady);
    });
  }
}

/** (qs, chunk, descriptor offset, address of the end offset, str) */
function appendString(ctx: SliceContext): Func {
  return ctx.lib({
    name: 'chunk.string',
    params: ['i32', 'i32', 'i32', 'i32', 'i64'],
    results: [],
    build(f) {
      const [qs, chunk, descOffset, end, str] = f.params;
      const desc = f.local('i32');
      const used = f.local('i32');
      const length = f.local('i32');
      const size = f.local('i32');
      const heap = f.local('i32');
      f.get(chunk).get(descOffset).op('i32.add').tee(desc).mem('i32.load', 8).set(used);
      f.get(str).i64(32n).op('i64.shr_u').op('i32.wrap_i64').tee(length);
      f.if(() => {
        f.get(used).get(length).op('i32.add').tee(size).get(desc).mem('i32.load', 20).op('i32.gt_u');
        f.if(() => {
          f.get(size).i32(1).op('i32.shl').tee(size).i32(FIRST_HEAP_BYTES).op('i32.lt_u');
          f.if(() => f.i32(FIRST_HEAP_BYTES).set(size));
          f.get(qs).get(size).call(ctx.host.alloc).set(heap);
          f.get(used);
          f.if(() => f.get(heap).get(desc).mem('i32.load', 4).get(used).memoryCopy());
          f.get(desc).mem('i32.load', 4);
          f.if(() => f.get(qs).get(desc).mem('i32.load', 4).call(ctx.host.free));
          f.get(desc).get(heap).mem('i32.store', 4);
          f.get(desc).get(size).mem('i32.store', 20);
        });
        f.get(desc)
          .mem('i32.load', 4)
          .get(used)
          .op('i32.add')
          .get(str)
          .op('i32.wrap_i64')
          .get(length)
          .memoryCopy();
        f.get(desc).get(used).get(length).op('i32.add').tee(used).mem('i32.store', 8);
        f.get(chunk)
          .get(chunk)
          .mem('i32.load', HEAP_BYTES)
          .get(length)
          .op('i32.add')
          .mem('i32.store', HEAP_BYTES);
      });
      f.get(end).get(used).mem('i32.store');
    },
  });
}

/** What `readChunks` needs of the memory: blocks of a query are in its owner list until they are disowned. */
export interface ChunkMemory {
  readonly i32: Int32Array;
  readonly u32: Uint32Array;
  free(address: number): void;
  /** Takes a block out of an owner list without freeing it; returns its bytes. */
  disown(ownerHead: number, address: number): number;
}

const ENCODINGS = new Map(Object.entries(ENCODING_CODE).map(([name, code]) => [code, name as Encoding]));

/** Detaches the finished chunks of a worker state from its query, in the order they were finished. Main thread, while
 *  no task uses the worker state. */
export function readChunks(memory: ChunkMemory, workerState: number, queryState: number): OutChunk[] {
  const { u32 } = memory;
  const word = (address: number): number => u32[address >>> 2];
  const chunks: OutChunk[] = [];
  let chunk = word(workerState + WS.chunksHead);
  while (chunk !== 0) {
    const next = word(chunk);
    const blocks = [chunk];
    const columns: ChunkColumn[] = [];
    for (let i = 0; i < word(chunk + COLUMNS); i++) {
      const at = chunk + FIRST_COLUMN + i * COLUMN_BYTES;
      const encoding = ENCODINGS.get(word(at))!;
      const data = word(at + 4);
      if (encoding === 'utf8' && data !== 0) blocks.push(data);
      columns.push({
        encoding,
        data,
        dataBytes: word(at + 8),
        validity: word(at + 12),
        offsets: word(at + 16),
      });
    }
    let pages = 0;
    for (const b of blocks) pages += disownPages(memory.disown(queryState + QS.blocks, b));
    Atomics.sub(memory.i32, (queryState + QS.usedPages) >>> 2, pages);
    chunks.push({
      rows: word(chunk + ROWS),
      partition: word(chunk + PARTITION),
      columns,
      sizeBytes: pages * 4096,
      release: () => {
        for (const b of blocks) memory.free(b);
      },
    });
    chunk = next;
  }
  u32[(workerState + WS.chunksHead) >>> 2] = 0;
  u32[(workerState + WS.chunksTail) >>> 2] = 0;
  u32[(workerState + WS.chunksReady) >>> 2] = 0;
  return chunks;
}

function disownPages(bytes: number): number {
  return Math.ceil(bytes / 4096);
}

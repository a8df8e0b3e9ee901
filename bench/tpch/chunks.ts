/**
 * A part of a table as chunks of bytes: whole rows in the `.tbl` format, `|` after every field.
 */
import { RowBuffer } from './row-buffer.js';
import { type Part, partRange, type TpchTable } from './scale.js';
import { writeCustomer } from './tables/customer.js';
import { writeLineitem } from './tables/lineitem.js';
import { writeOrders } from './tables/orders.js';
import { writePart } from './tables/part.js';
import { writePartsupp } from './tables/partsupp.js';
import { writeNation, writeRegion } from './tables/region-nation.js';
import { writeSupplier } from './tables/supplier.js';
import type { TableWriter } from './tables/table-writer.js';
import type { TextPool } from './text-pool.js';

const WRITERS: Readonly<Record<TpchTable, TableWriter>> = {
  region: writeRegion,
  nation: writeNation,
  supplier: writeSupplier,
  customer: writeCustomer,
  part: writePart,
  partsupp: writePartsupp,
  orders: writeOrders,
  lineitem: writeLineitem,
};
const CHUNK_BYTES = 1024 * 1024;
/** An order with seven lines needs less than half of this. */
const UNIT_BYTES_MAX = 4096;

/** Each chunk holds whole rows and is the caller's to keep. */
export function* partChunks(
  table: TpchTable,
  scale: number,
  part: Part,
  pool: TextPool,
): Generator<Uint8Array<ArrayBuffer>> {
  const { first, count } = partRange(table, scale, part);
  const write = WRITERS[table](scale, first, pool);
  for (let done = 0; done < count; ) {
    const out = new RowBuffer(CHUNK_BYTES, UNIT_BYTES_MAX);
    while (done < count && out.length < out.sizeBytes) write(out, first + ++done);
    yield out.written();
  }
}

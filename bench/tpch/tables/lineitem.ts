/** LINEITEM: the lines of each order. Source: TPC-H specification 4.2.3. */
import { distribution } from '../distributions.js';
import { RowRandom } from '../random.js';
import { fieldTable } from '../row-buffer.js';
import { unitCount } from '../scale.js';
import {
  CURRENT_DAY,
  dateStrings,
  discountStream,
  LINES_MAX,
  lineCountStream,
  linePartStream,
  ORDER_DAY_MAX,
  orderDateStream,
  orderKey,
  quantityStream,
  RECEIPT_DAYS_MAX,
  SHIP_DAYS_MAX,
  shipDateStream,
  taxStream,
} from './order-streams.js';
import { retailPriceCents, SUPPLIERS_PER_PART, supplierOfPart } from './prices.js';
import { skipTo, type TableWriter } from './table-writer.js';
import { CommentStream } from './text-columns.js';

const LINE_STATUSES = fieldTable(['O', 'F']);
const NOT_RETURNED = fieldTable(['N']);
/** Every discount and tax there is. */
const HUNDREDTHS = fieldTable(Array.from({ length: 11 }, (_, i) => (i / 100).toFixed(2)));

/** A unit is an order, with its lines. */
export const writeLineitem: TableWriter = (scale, firstUnit, pool) => {
  const parts = unitCount('part', scale);
  const suppliers = unitCount('supplier', scale);
  const flags = distribution('rflag');
  const instructions = distribution('instruct');
  const modes = distribution('smode');
  const flagWords = fieldTable(flags.words);
  const instructionWords = fieldTable(instructions.words);
  const modeWords = fieldTable(modes.words);
  const dates = fieldTable(dateStrings());
  const streams = skipTo(
    {
      orderDate: orderDateStream(),
      lineCount: lineCountStream(),
      quantity: quantityStream(),
      discount: discountStream(),
      tax: taxStream(),
      part: linePartStream(scale),
      supplier: new RowRandom(2095021727, LINES_MAX),
      shipDate: shipDateStream(),
      commitDate: new RowRandom(904914315, LINES_MAX),
      receiptDate: new RowRandom(373135028, LINES_MAX),
      flag: new RowRandom(717419739, LINES_MAX),
      instruction: new RowRandom(1371272478, LINES_MAX),
      mode: new RowRandom(675466456, LINES_MAX),
      comment: new CommentStream(1095462486, 27, LINES_MAX),
    },
    firstUnit,
  );
  const all = Object.values(streams);
  return (out, unit) => {
    const key = orderKey(unit);
    const orderDay = streams.orderDate.uniform(0, ORDER_DAY_MAX);
    const lines = streams.lineCount.uniform(1, LINES_MAX);
    for (let line = 1; line <= lines; line++) {
      const quantity = streams.quantity.uniform(1, 50);
      const partKey = streams.part.uniform(1, parts);
      const shipDay = orderDay + streams.shipDate.uniform(1, SHIP_DAYS_MAX);
      const receiptDay = shipDay + streams.receiptDate.uniform(1, RECEIPT_DAYS_MAX);
      out.intField(key);
      out.intField(partKey);
      out.intField(supplierOfPart(partKey, streams.supplier.uniform(0, SUPPLIERS_PER_PART - 1), suppliers));
      out.intField(line);
      out.intField(quantity);
      out.centsField(retailPriceCents(partKey) * quantity);
      out.word(HUNDREDTHS, streams.discount.uniform(0, 10));
      out.word(HUNDREDTHS, streams.tax.uniform(0, 8));
      // A flag is drawn for received lines only.
      if (receiptDay <= CURRENT_DAY) {
        out.word(flagWords, flags.picks[streams.flag.uniform(0, flags.picks.length - 1)]);
      } else {
        out.word(NOT_RETURNED, 0);
      }
      out.word(LINE_STATUSES, shipDay <= CURRENT_DAY ? 1 : 0);
      out.word(dates, shipDay);
      out.word(dates, orderDay + streams.commitDate.uniform(30, 90));
      out.word(dates, receiptDay);
      out.word(
        instructionWords,
        instructions.picks[streams.instruction.uniform(0, instructions.picks.length - 1)],
      );
      out.word(modeWords, modes.picks[streams.mode.uniform(0, modes.picks.length - 1)]);
      streams.comment.writeField(out, pool);
      out.endRow();
    }
    for (const stream of all) stream.nextRow();
  };
};

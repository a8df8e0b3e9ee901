/**
 * ORDERS. Price and status follow from the lines, which are drawn here again from the streams that
 * `lineitem` draws them from. Source: TPC-H specification 4.2.3.
 */
import { distribution } from '../distributions.js';
import { RowRandom } from '../random.js';
import { fieldTable, wordTable } from '../row-buffer.js';
import { unitCount } from '../scale.js';
import {
  CURRENT_DAY,
  customerStream,
  dateStrings,
  discountStream,
  LINES_MAX,
  lineCountStream,
  linePartStream,
  ORDER_DAY_MAX,
  orderDateStream,
  orderKey,
  quantityStream,
  SHIP_DAYS_MAX,
  shipDateStream,
  taxStream,
} from './order-streams.js';
import { retailPriceCents } from './prices.js';
import { skipTo, type TableWriter } from './table-writer.js';
import { CommentStream } from './text-columns.js';

const CLERKS = 1000;
const CLERK = wordTable(['Clerk#']);
const STATUSES = fieldTable(['O', 'P', 'F']);
const SHIP_PRIORITY = fieldTable(['0']);

export const writeOrders: TableWriter = (scale, firstUnit, pool) => {
  const customers = unitCount('customer', scale);
  const parts = unitCount('part', scale);
  const clerks = Math.max(CLERKS, CLERKS * scale);
  const priorities = distribution('o_oprio');
  const priorityWords = fieldTable(priorities.words);
  const dates = fieldTable(dateStrings());
  const streams = skipTo(
    {
      date: orderDateStream(),
      lineCount: lineCountStream(),
      customer: customerStream(scale),
      priority: new RowRandom(591449447),
      clerk: new RowRandom(1171034773),
      comment: new CommentStream(276090261, 49),
      quantity: quantityStream(),
      discount: discountStream(),
      tax: taxStream(),
      part: linePartStream(scale),
      shipDate: shipDateStream(),
    },
    firstUnit,
  );
  const all = Object.values(streams);
  return (out, unit) => {
    const day = streams.date.uniform(0, ORDER_DAY_MAX);
    const lines = streams.lineCount.uniform(1, LINES_MAX);
    let totalCents = 0;
    let shipped = 0;
    for (let i = 0; i < lines; i++) {
      const quantity = streams.quantity.uniform(1, 50);
      const discount = streams.discount.uniform(0, 10);
      const tax = streams.tax.uniform(0, 8);
      const price = retailPriceCents(streams.part.uniform(1, parts)) * quantity;
      totalCents += Math.floor((Math.floor((price * (100 - discount)) / 100) * (100 + tax)) / 100);
      if (day + streams.shipDate.uniform(1, SHIP_DAYS_MAX) <= CURRENT_DAY) shipped++;
    }
    out.intField(orderKey(unit));
    out.intField(buyer(streams.customer.uniform(1, customers), customers));
    out.word(STATUSES, shipped === lines ? 2 : shipped > 0 ? 1 : 0);
    out.centsField(totalCents);
    out.word(dates, day);
    out.word(priorityWords, priorities.picks[streams.priority.uniform(0, priorities.picks.length - 1)]);
    out.nameField(CLERK, streams.clerk.uniform(1, clerks));
    out.word(SHIP_PRIORITY, 0);
    streams.comment.writeField(out, pool);
    out.endRow();
    for (const stream of all) stream.nextRow();
  };
};

/** Every third customer never orders: the draw moves to a neighbour. */
function buyer(drawn: number, customers: number): number {
  let key = drawn;
  for (let step = 1; key % 3 === 0; step = -step) key = Math.min(key + step, customers);
  return key;
}

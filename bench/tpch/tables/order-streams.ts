/**
 * What `orders` and `lineitem` both draw: an order's date, its number of lines, and of each line what the
 * order's price and status follow from. Source: TPC-H specification 4.2.3.
 */
import { type RandomStream, RowRandom, RowRandom64 } from '../random.js';

/** Lines of an order: 1 to 7; every stream of the lines owns seven lines' draws an order. */
export const LINES_MAX = 7;
export const SHIP_DAYS_MAX = 121;
export const RECEIPT_DAYS_MAX = 30;
/** Dates are days since 1992-01-01; the last is 1998-12-31. */
export const DAYS = 2557;
/** An order's last line is received by the last day. */
export const ORDER_DAY_MAX = DAYS - 1 - SHIP_DAYS_MAX - RECEIPT_DAYS_MAX;
/** 1995-06-17, the specification's CURRENTDATE. */
export const CURRENT_DAY = 1263;
/** From this scale factor on, keys need 64 bits. */
const SCALE_64_BITS = 30_000;

export const orderDateStream = (): RowRandom => new RowRandom(1066728069);
export const lineCountStream = (): RowRandom => new RowRandom(1434868289);
export const quantityStream = (): RowRandom => new RowRandom(209208115, LINES_MAX);
export const discountStream = (): RowRandom => new RowRandom(554590007, LINES_MAX);
export const taxStream = (): RowRandom => new RowRandom(721958466, LINES_MAX);
export const shipDateStream = (): RowRandom => new RowRandom(1769349045, LINES_MAX);
export const linePartStream = (scale: number): RandomStream => keyStream(scale, 1808217256, LINES_MAX);
export const customerStream = (scale: number): RandomStream => keyStream(scale, 851767375, 1);

function keyStream(scale: number, seed: number, drawsPerRow: number): RandomStream {
  return scale >= SCALE_64_BITS ? new RowRandom64(seed, drawsPerRow) : new RowRandom(seed, drawsPerRow);
}

/** Order keys use the first eight of every 32 numbers. `order` counts from 1. */
export function orderKey(order: number): number {
  return Math.floor(order / 8) * 32 + (order % 8);
}

/** Dates as fields: `1992-01-01|`, by day. */
export function dateStrings(): string[] {
  return Array.from({ length: DAYS }, (_, day) =>
    new Date(Date.UTC(1992, 0, 1) + day * 86_400_000).toISOString().slice(0, 10),
  );
}

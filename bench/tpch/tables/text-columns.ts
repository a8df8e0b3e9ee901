/**
 * Columns that several tables have: comments, addresses and telephone numbers.
 * Source: TPC-H specification 4.2.2.7, 4.2.2.9 and 4.2.2.10.
 */
import { RowRandom } from '../random.js';
import type { RowBuffer } from '../row-buffer.js';
import { TEXT_POOL_BYTES, type TextPool } from '../text-pool.js';

const LENGTH_LOW = 0.4;
const LENGTH_HIGH = 1.6;
const ALPHANUMERIC = Buffer.from(
  '0123456789abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ,',
  'latin1',
);
/** One draw for the length, and one for every five of at most 40 characters. */
const ADDRESS_DRAWS = 9;
const ADDRESS_LENGTH = 25;

/** A slice of the text pool, from 0.4 to 1.6 times the average length. */
export class CommentStream extends RowRandom {
  offset = 0;
  length = 0;
  private readonly lengthMin: number;
  private readonly lengthMax: number;

  constructor(seed: number, lengthAverage: number, commentsPerRow = 1) {
    super(seed, 2 * commentsPerRow);
    this.lengthMin = Math.floor(lengthAverage * LENGTH_LOW);
    this.lengthMax = Math.floor(lengthAverage * LENGTH_HIGH);
  }

  /** Draws the next `offset` and `length`. */
  draw(): void {
    this.offset = this.uniform(0, TEXT_POOL_BYTES - this.lengthMax);
    this.length = this.uniform(this.lengthMin, this.lengthMax);
  }

  writeField(out: RowBuffer, pool: TextPool): void {
    this.draw();
    out.textField(pool.view, this.offset, this.length);
  }
}

/** Random characters, 10 to 40 of them. */
export class AddressStream extends RowRandom {
  constructor(seed: number) {
    super(seed, ADDRESS_DRAWS);
  }

  writeField(out: RowBuffer): void {
    const length = this.uniform(
      Math.floor(ADDRESS_LENGTH * LENGTH_LOW),
      Math.floor(ADDRESS_LENGTH * LENGTH_HIGH),
    );
    let bits = 0;
    for (let i = 0; i < length; i++) {
      if (i % 5 === 0) bits = this.bits();
      out.byte(ALPHANUMERIC[bits & 63]);
      bits >>= 6;
    }
    out.byte(0x7c);
  }
}

/** `CC-LLL-LLL-LLLL`, the country code being the nation's key and 10. */
export class PhoneStream extends RowRandom {
  constructor(seed: number) {
    super(seed, 3);
  }

  writeField(out: RowBuffer, nationKey: number): void {
    out.digits(10 + nationKey);
    out.byte(0x2d);
    out.digits(this.uniform(100, 999));
    out.byte(0x2d);
    out.digits(this.uniform(100, 999));
    out.byte(0x2d);
    out.intField(this.uniform(1000, 9999));
  }
}

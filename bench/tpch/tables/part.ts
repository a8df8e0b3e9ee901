/** PART. Source: TPC-H specification 4.2.3. */
import { distribution } from '../distributions.js';
import { RowRandom } from '../random.js';
import { fieldTable, wordTable } from '../row-buffer.js';
import { retailPriceCents } from './prices.js';
import { skipTo, type TableWriter } from './table-writer.js';
import { CommentStream } from './text-columns.js';

const NAME_WORDS = 5;
const MANUFACTURER = wordTable(['Manufacturer#']);
const BRAND = wordTable(['Brand#']);

export const writePart: TableWriter = (_scale, firstUnit, pool) => {
  const colors = distribution('colors');
  const types = distribution('p_types');
  const containers = distribution('p_cntr');
  const colorWords = wordTable(colors.words.map((color) => `${color} `));
  const typeWords = fieldTable(types.words);
  const containerWords = fieldTable(containers.words);
  const streams = skipTo(
    {
      // The standard sets aside a draw for every colour, of which five are used.
      name: new RowRandom(709314158, colors.words.length),
      manufacturer: new RowRandom(1),
      brand: new RowRandom(46831694),
      type: new RowRandom(1841581359),
      size: new RowRandom(1193163244),
      container: new RowRandom(727633698),
      comment: new CommentStream(804159733, 14),
    },
    firstUnit,
  );
  const all = Object.values(streams);
  const order = Uint8Array.from(colors.words.keys());
  const shuffled = new Uint8Array(order.length);
  return (out, unit) => {
    out.intField(unit);
    shuffled.set(order);
    for (let i = 0; i < NAME_WORDS; i++) {
      const other = streams.name.uniform(i, order.length - 1);
      const color = shuffled[other];
      shuffled[other] = shuffled[i];
      shuffled[i] = color;
      out.word(colorWords, color);
    }
    out.length--; // the space after the last word
    out.byte(0x7c);
    const manufacturer = streams.manufacturer.uniform(1, 5);
    out.word(MANUFACTURER, 0);
    out.intField(manufacturer);
    out.word(BRAND, 0);
    out.intField(manufacturer * 10 + streams.brand.uniform(1, 5));
    out.word(typeWords, types.picks[streams.type.uniform(0, types.picks.length - 1)]);
    out.intField(streams.size.uniform(1, 50));
    out.word(containerWords, containers.picks[streams.container.uniform(0, containers.picks.length - 1)]);
    out.centsField(retailPriceCents(unit));
    streams.comment.writeField(out, pool);
    out.endRow();
    for (const stream of all) stream.nextRow();
  };
};

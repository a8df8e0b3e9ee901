/** CUSTOMER. Source: TPC-H specification 4.2.3. */
import { distribution } from '../distributions.js';
import { RowRandom } from '../random.js';
import { fieldTable, wordTable } from '../row-buffer.js';
import { skipTo, type TableWriter } from './table-writer.js';
import { AddressStream, CommentStream, PhoneStream } from './text-columns.js';

const NATIONS = 25;
const NAME = wordTable(['Customer#']);

export const writeCustomer: TableWriter = (_scale, firstUnit, pool) => {
  const segments = distribution('msegmnt');
  const segmentWords = fieldTable(segments.words);
  const streams = skipTo(
    {
      address: new AddressStream(881155353),
      nation: new RowRandom(1489529863),
      phone: new PhoneStream(1521138112),
      balance: new RowRandom(298370230),
      segment: new RowRandom(1140279430),
      comment: new CommentStream(1335826707, 73),
    },
    firstUnit,
  );
  const all = Object.values(streams);
  return (out, unit) => {
    const nationKey = streams.nation.uniform(0, NATIONS - 1);
    out.intField(unit);
    out.nameField(NAME, unit);
    streams.address.writeField(out);
    out.intField(nationKey);
    streams.phone.writeField(out, nationKey);
    out.centsField(streams.balance.uniform(-99_999, 999_999));
    out.word(segmentWords, segments.picks[streams.segment.uniform(0, segments.picks.length - 1)]);
    streams.comment.writeField(out, pool);
    out.endRow();
    for (const stream of all) stream.nextRow();
  };
};

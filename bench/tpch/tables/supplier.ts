/** SUPPLIER. Source: TPC-H specification 4.2.3. */
import { RowRandom } from '../random.js';
import { type RowBuffer, wordTable } from '../row-buffer.js';
import type { TextPool } from '../text-pool.js';
import { skipTo, type TableWriter } from './table-writer.js';
import { AddressStream, CommentStream, PhoneStream } from './text-columns.js';

const NATIONS = 25;
const CUSTOMER = 'Customer ';
const VERDICTS = ['Complaints', 'Recommends'];
const VERDICT_BYTES = CUSTOMER.length + VERDICTS[0].length;
/** Ten suppliers in ten thousand have customers who complain or recommend. */
const VERDICT_DRAW_MAX = 10_000;
const VERDICT_DRAWS = 10;

const NAME = wordTable(['Supplier#']);
const CUSTOMER_WORD = wordTable([CUSTOMER]);
const VERDICT_WORDS = wordTable(VERDICTS);

export const writeSupplier: TableWriter = (_scale, firstUnit, pool) => {
  const streams = skipTo(
    {
      address: new AddressStream(706178559),
      nation: new RowRandom(110356601),
      phone: new PhoneStream(884434366),
      balance: new RowRandom(962338209),
      comment: new CommentStream(1341315363, 63),
      verdict: new RowRandom(202794285),
      noise: new RowRandom(263032577),
      offset: new RowRandom(715851524),
      kind: new RowRandom(753643799),
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
    streams.comment.draw();
    if (streams.verdict.uniform(1, VERDICT_DRAW_MAX) <= VERDICT_DRAWS) {
      writeVerdict(out, pool, streams);
    } else {
      out.textField(pool.view, streams.comment.offset, streams.comment.length);
    }
    out.endRow();
    for (const stream of all) stream.nextRow();
  };
};

/** The comment with `Customer ` and, after some of its own text, the verdict laid over it (what Q16 looks for). */
function writeVerdict(
  out: RowBuffer,
  pool: TextPool,
  streams: { comment: CommentStream; noise: RowRandom; offset: RowRandom; kind: RowRandom },
): void {
  const { offset: start, length } = streams.comment;
  const noise = streams.noise.uniform(0, length - VERDICT_BYTES);
  const offset = streams.offset.uniform(0, length - (VERDICT_BYTES + noise));
  const kind = streams.kind.uniform(0, 100) < 50 ? 0 : 1;
  out.copy(pool.view, start, offset);
  out.word(CUSTOMER_WORD, 0);
  out.copy(pool.view, start + offset + CUSTOMER.length, noise);
  out.word(VERDICT_WORDS, kind);
  const resumed = offset + VERDICT_BYTES + noise;
  out.textField(pool.view, start + resumed, length - resumed);
}

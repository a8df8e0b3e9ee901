/** PARTSUPP: each part with its four suppliers. Source: TPC-H specification 4.2.3. */
import { RowRandom } from '../random.js';
import { unitCount } from '../scale.js';
import { SUPPLIERS_PER_PART, supplierOfPart } from './prices.js';
import { skipTo, type TableWriter } from './table-writer.js';
import { CommentStream } from './text-columns.js';

/** A unit is a part, with its four suppliers. */
export const writePartsupp: TableWriter = (scale, firstUnit, pool) => {
  const suppliers = unitCount('supplier', scale);
  const streams = skipTo(
    {
      quantity: new RowRandom(1671059989, SUPPLIERS_PER_PART),
      cost: new RowRandom(1051288424, SUPPLIERS_PER_PART),
      comment: new CommentStream(1961692154, 124, SUPPLIERS_PER_PART),
    },
    firstUnit,
  );
  const { quantity, cost, comment } = streams;
  return (out, unit) => {
    for (let i = 0; i < SUPPLIERS_PER_PART; i++) {
      out.intField(unit);
      out.intField(supplierOfPart(unit, i, suppliers));
      out.intField(quantity.uniform(1, 9999));
      out.centsField(cost.uniform(100, 100_000));
      comment.writeField(out, pool);
      out.endRow();
    }
    quantity.nextRow();
    cost.nextRow();
    comment.nextRow();
  };
};

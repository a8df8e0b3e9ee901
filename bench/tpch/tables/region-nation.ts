/** REGION and NATION, the same at every scale factor. Source: TPC-H specification 4.2.3. */
import { distribution } from '../distributions.js';
import { fieldTable } from '../row-buffer.js';
import { skipTo, type TableWriter } from './table-writer.js';
import { CommentStream } from './text-columns.js';

const COMMENT_LENGTH = 72;

export const writeRegion: TableWriter = (_scale, firstUnit, pool) => {
  const names = fieldTable(distribution('regions').words);
  const { comment } = skipTo({ comment: new CommentStream(1500869201, COMMENT_LENGTH) }, firstUnit);
  return (out, unit) => {
    out.intField(unit - 1);
    out.word(names, unit - 1);
    comment.writeField(out, pool);
    out.endRow();
    comment.nextRow();
  };
};

export const writeNation: TableWriter = (_scale, firstUnit, pool) => {
  const nations = distribution('nations');
  const names = fieldTable(nations.words);
  // Here a weight is the step from the previous nation's region to this one's.
  let regionKey = 0;
  const regionKeys = nations.weights.map((step) => {
    regionKey += step;
    return regionKey;
  });
  const { comment } = skipTo({ comment: new CommentStream(606179079, COMMENT_LENGTH) }, firstUnit);
  return (out, unit) => {
    out.intField(unit - 1);
    out.word(names, unit - 1);
    out.intField(regionKeys[unit - 1]);
    comment.writeField(out, pool);
    out.endRow();
    comment.nextRow();
  };
};

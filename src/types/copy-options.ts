/** The options of COPY, resolved: defaults of the format filled in, checked for conflicts. Plain data that crosses
 *  to segments. Source: PostgreSQL, COPY. */

export type CopyOptions = {
  readonly format: 'text' | 'csv' | 'binary';
  /** One byte. */
  readonly delimiter: string;
  /** The string that stands for NULL: `\N` in text, empty and unquoted in CSV unless told otherwise. */
  readonly nullString: string;
  /** First line holds column names: skipped on input (`match`: and compared with the columns'), written on output. */
  readonly header: boolean | 'match';
  /** CSV only; one byte each. */
  readonly quote: string;
  readonly escape: string;
  /** CSV output: ordinals (within the copied columns) whose non-null values are always quoted, or all. */
  readonly forceQuote: readonly number[] | 'all';
  /** CSV input: columns (same ordinals) whose unquoted null string is not NULL. */
  readonly forceNotNull: readonly number[];
  /** CSV input: columns whose quoted null string is NULL as well. */
  readonly forceNull: readonly number[];
  /** Binary input: PostgreSQL's name of the encoding of text in fields; absent: UTF-8. */
  readonly textEncoding?: string | undefined;
};

export const TEXT_COPY: CopyOptions = {
  format: 'text',
  delimiter: '\t',
  nullString: '\\N',
  header: false,
  quote: '"',
  escape: '"',
  forceQuote: [],
  forceNotNull: [],
  forceNull: [],
};

export const CSV_COPY: CopyOptions = { ...TEXT_COPY, format: 'csv', delimiter: ',', nullString: '' };

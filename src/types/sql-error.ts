/** Errors that a client caused or can act on. Anything else that is thrown is our bug and reaches the client as
 *  XX000. A SqlError crosses gRPC whole (`toWire`, `fromWire`). Source: PostgreSQL, appendix A and chapter 55.8. */

export type SqlErrorFields = {
  readonly detail?: string | undefined;
  readonly hint?: string | undefined;
  /** 1-based character offset into the statement's text. */
  readonly position?: number | undefined;
  readonly where?: string | undefined;
  readonly table?: string | undefined;
  readonly column?: string | undefined;
};

export class SqlError extends Error {
  readonly code: string;
  readonly detail: string | undefined;
  readonly hint: string | undefined;
  readonly position: number | undefined;
  readonly where: string | undefined;
  readonly table: string | undefined;
  readonly column: string | undefined;

  constructor(code: string, message: string, fields: SqlErrorFields = {}) {
    super(message);
    this.name = 'SqlError';
    this.code = code;
    this.detail = fields.detail;
    this.hint = fields.hint;
    this.position = fields.position;
    this.where = fields.where;
    this.table = fields.table;
    this.column = fields.column;
  }

  /** The same error with fields filled in where it has none yet. */
  with(fields: SqlErrorFields): SqlError {
    const e = new SqlError(this.code, this.message, {
      detail: this.detail ?? fields.detail,
      hint: this.hint ?? fields.hint,
      position: this.position ?? fields.position,
      where: this.where ?? fields.where,
      table: this.table ?? fields.table,
      column: this.column ?? fields.column,
    });
    if (this.stack !== undefined) e.stack = this.stack;
    return e;
  }
}

export type WireError = SqlErrorFields & { readonly code: string; readonly message: string };

export function errorToWire(e: unknown): WireError {
  if (e instanceof SqlError) {
    const { code, message, detail, hint, position, where, table, column } = e;
    return { code, message, detail, hint, position, where, table, column };
  }
  return { code: 'XX000', message: e instanceof Error ? e.message : String(e) };
}

export function errorFromWire(w: WireError): SqlError {
  return new SqlError(w.code, w.message, w);
}

/** 0A000 with the feature's name, at its position. */
export function notSupported(feature: string, position?: number): SqlError {
  return new SqlError('0A000', `${feature} is not supported yet`, { position });
}

/** For the default branch of a switch over a union: a forgotten member does not compile. */
export function unreachable(x: never): never {
  throw new Error(`unreachable: ${JSON.stringify(x)}`);
}

export function assert(condition: unknown, what: string): asserts condition {
  if (!condition) throw new Error(`assertion failed: ${what}`);
}

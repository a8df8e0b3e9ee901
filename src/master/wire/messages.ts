/** Backend messages as bytes. Source: PostgreSQL, chapter 55.7 "Message Formats". */

import type { Charset } from '../../types/charset.js';
import type { SqlError } from '../../types/sql-error.js';
import { type SqlType, typeMod, typeOid, typeSize } from '../../types/sql-type.js';
import { ByteWriter } from './byte-writer.js';

export type FieldDescription = {
  readonly name: string;
  readonly type: SqlType;
  /** Of the column the field comes straight from, else 0. */
  readonly tableOid: number;
  readonly columnNumber: number;
};

/** 0 text, 1 binary. */
export type FormatCode = 0 | 1;

export type NoticeFields = {
  readonly severity: 'WARNING' | 'NOTICE' | 'INFO' | 'LOG' | 'DEBUG';
  readonly code: string;
  readonly message: string;
  readonly detail?: string | undefined;
  readonly hint?: string | undefined;
  readonly position?: number | undefined;
  readonly where?: string | undefined;
};

const QUESTION_MARK = 63;

function message(type: string, body: (w: ByteWriter) => void, sizeHint = 256, charset?: Charset): Buffer {
  // What the client's encoding lacks is no reason to lose an error or a column's name.
  const w = new ByteWriter(sizeHint, charset, QUESTION_MARK);
  w.u8(type.charCodeAt(0));
  w.i32(0);
  body(w);
  w.patchI32(1, w.length - 1);
  return w.take();
}

function empty(type: string): Buffer {
  return message(type, () => {}, 5);
}

export const PARSE_COMPLETE = empty('1');
export const BIND_COMPLETE = empty('2');
export const CLOSE_COMPLETE = empty('3');
export const NO_DATA = empty('n');
export const PORTAL_SUSPENDED = empty('s');
export const EMPTY_QUERY = empty('I');
export const COPY_DONE = empty('c');
export const AUTHENTICATION_OK = message('R', (w) => w.i32(0), 9);

export type TransactionStatus = 'I' | 'T' | 'E';
const READY = {
  I: message('Z', (w) => w.u8(73), 6),
  T: message('Z', (w) => w.u8(84), 6),
  E: message('Z', (w) => w.u8(69), 6),
} as const;

export function readyForQuery(status: TransactionStatus): Buffer {
  return READY[status];
}

export function parameterStatus(name: string, value: string, charset?: Charset): Buffer {
  return message(
    'S',
    (w) => {
      w.cString(name);
      w.cString(value);
    },
    64,
    charset,
  );
}

export function backendKeyData(pid: number, secret: number): Buffer {
  return message('K', (w) => {
    w.i32(pid);
    w.i32(secret);
  });
}

/** The server speaks 3.0; `unrecognized` are the client's `_pq_.` options. */
export function negotiateProtocolVersion(unrecognized: readonly string[]): Buffer {
  return message('v', (w) => {
    w.i32(0x30000);
    w.i32(unrecognized.length);
    for (const name of unrecognized) w.cString(name);
  });
}

export function commandComplete(tag: string): Buffer {
  return message('C', (w) => w.cString(tag), 32);
}

export function rowDescription(
  fields: readonly FieldDescription[],
  formats: readonly FormatCode[],
  charset?: Charset,
): Buffer {
  return message(
    'T',
    (w) => {
      w.i16(fields.length);
      for (const [i, f] of fields.entries()) {
        w.cString(f.name);
        w.i32(f.tableOid);
        w.i16(f.columnNumber);
        w.i32(typeOid(f.type));
        w.i16(typeSize(f.type));
        w.i32(typeMod(f.type));
        w.i16(formats[i] ?? 0);
      }
    },
    16 + fields.length * 48,
    charset,
  );
}

export function parameterDescription(types: readonly SqlType[]): Buffer {
  return message('t', (w) => {
    w.i16(types.length);
    for (const t of types) w.i32(typeOid(t));
  });
}

/** `kind` G: the server expects data; H: it is going to send some. */
export function copyResponse(kind: 'G' | 'H', columns: number, format: FormatCode): Buffer {
  return message(kind, (w) => {
    w.u8(format);
    w.i16(columns);
    for (let i = 0; i < columns; i++) w.i16(format);
  });
}

/** `value`: its length and bytes, as in a DataRow. */
export function functionCallResponse(value: Buffer): Buffer {
  return message('V', (w) => w.copy(value, 0, value.length), 16 + value.length);
}

export function errorResponse(e: SqlError, severity: 'ERROR' | 'FATAL' = 'ERROR', charset?: Charset): Buffer {
  return fieldsMessage('E', severity, { ...e, code: e.code, message: e.message }, charset);
}

export function noticeResponse(n: NoticeFields, charset?: Charset): Buffer {
  return fieldsMessage('N', n.severity, n, charset);
}

type Fields = {
  readonly code: string;
  readonly message: string;
  readonly detail?: string | undefined;
  readonly hint?: string | undefined;
  readonly position?: number | undefined;
  readonly where?: string | undefined;
  readonly table?: string | undefined;
  readonly column?: string | undefined;
};

function fieldsMessage(type: 'E' | 'N', severity: string, f: Fields, charset: Charset | undefined): Buffer {
  const body = (w: ByteWriter): void => {
    const field = (code: string, value: string | number | undefined) => {
      if (value === undefined) return;
      w.u8(code.charCodeAt(0));
      w.cString(String(value).replaceAll('\0', ''));
    };
    field('S', severity);
    field('V', severity);
    field('C', f.code);
    field('M', f.message);
    field('D', f.detail);
    field('H', f.hint);
    field('P', f.position);
    field('W', f.where);
    field('t', f.table);
    field('c', f.column);
    w.u8(0);
  };
  return message(type, body, 256, charset);
}

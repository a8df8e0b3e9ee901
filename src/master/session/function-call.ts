/** FunctionCall messages: a function of pg_proc, by its oid, on values.
 *
 *  Owns: PostgreSQL's checks of such a call. It is run as the query that calls the function, so that it means the same.
 *  Source: PostgreSQL, chapter 55.2.4; fastpath.c. */
import { parseSql } from '../../plan/sql/parse.js';
import { SqlError } from '../../types/sql-error.js';
import type { SqlType } from '../../types/sql-type.js';
import type { Value } from '../../types/value.js';
import { ANY_OID, ANYARRAY_OID, type Callable, callables } from '../catalog/system/callables.js';
import { startStatement } from '../statements/start.js';
import { ByteWriter } from '../wire/byte-writer.js';
import { type FormatCode, functionCallResponse } from '../wire/messages.js';
import { typeByOid } from '../wire/type-by-oid.js';
import type { Prepared } from './prepared.js';
import type { Session } from './session.js';

/** Type byte, length and column count of a DataRow. */
const ROW_HEADER_BYTES = 7;

/** `argument`: value i of the message, read as the type. */
export async function callFunction(
  session: Session,
  oid: number,
  argumentCount: number,
  argument: (i: number, type: SqlType) => Value,
  format: FormatCode,
): Promise<void> {
  session.refuseInFailedBlock();
  const callable = callables().find((c) => c.oid === oid);
  if (callable === undefined) throw new SqlError('42883', `function with OID ${oid} does not exist`);
  if (callable.kind === 'aggregate')
    throw new SqlError('0A000', `cannot call function "${callable.name}" via fastpath interface`);
  if (argumentCount !== callable.args.length)
    throw new SqlError(
      '08P01',
      `function call message contains ${argumentCount} arguments but function requires ${callable.args.length}`,
    );
  const types = callable.args.map(acceptedType);
  const values = types.map((type, i) => argument(i, type));
  const text = callText(callable);
  const prepared: Prepared = {
    name: '',
    parsed: parseSql(text)[0],
    declaredTypes: types,
    binding: undefined,
  };
  const controller = new AbortController();
  await session.during(controller, `<FASTPATH> function call: "${callable.name}" (OID ${oid})`, async () => {
    const run = await startStatement(session, prepared, session.runContext(controller.signal, values));
    const stream = run.stream!;
    try {
      const block = await stream.next();
      if (block === undefined) throw new Error('a call has no row');
      try {
        const row = new ByteWriter(256, session.output.charset);
        block.dataRows(row, 0, 1, [format]);
        session.output.write(functionCallResponse(row.take().subarray(ROW_HEADER_BYTES)));
      } finally {
        block.release();
      }
    } finally {
      await stream.close();
    }
  });
}

function acceptedType(oid: number): SqlType {
  if (oid === ANY_OID || oid === ANYARRAY_OID)
    throw new SqlError('0A000', `cannot accept a value of type ${oid === ANY_OID ? 'any' : 'anyarray'}`);
  return typeByOid(oid)!;
}

function callText({ name, kind, args, variadic }: Callable): string {
  const operands = args.map((_, i) => `$${i + 1}`);
  if (kind === 'operator')
    return operands.length === 1
      ? `SELECT ${name} ${operands[0]}`
      : `SELECT ${operands[0]} ${name} ${operands[1]}`;
  if (variadic) operands[operands.length - 1] = `VARIADIC ${operands[operands.length - 1]}`;
  return `SELECT pg_catalog."${name}"(${operands.join(', ')})`;
}

/** The assertion of all oracle tests: each call gives what PostgreSQL gives, and a difference shows the call. */
import { expect } from 'vitest';
import { type Call, evaluate, TEST_CONTEXT, toSql } from './function-calls.js';
import type { Oracle } from './postgres-oracle.js';

export async function expectAgreement(
  oracle: Oracle,
  calls: readonly Call[],
  timeZone = 'UTC',
): Promise<void> {
  const sql = calls.map(toSql);
  const wanted = await oracle.evaluate(sql);
  const context = { ...TEST_CONTEXT, timeZone };
  const differences = calls.flatMap((call, i) => {
    const got = evaluate(call, context);
    return got === wanted[i] ? [] : [{ call: sql[i], got, wanted: wanted[i] }];
  });
  expect(differences).toEqual([]);
}

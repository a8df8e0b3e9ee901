/** A relation as pg_class has it. */
import { type Asked, literal } from './listing.js';
import { catalogRows } from './query.js';

export type Relation = {
  readonly oid: string;
  readonly schema: string;
  readonly name: string;
  readonly kind: string;
  readonly checks: number;
  readonly hasIndex: boolean;
  readonly hasRules: boolean;
  readonly hasTriggers: boolean;
  readonly rowSecurity: boolean;
  readonly forceRowSecurity: boolean;
  readonly isPartition: boolean;
  readonly options: string;
  readonly tablespace: string;
  readonly ofType: string;
  readonly persistence: string;
  readonly replicaIdentity: string;
  readonly accessMethod: string | null;
};

/** The tablespace, where it is not the database's. */
export async function tablespaceName(asked: Asked, oid: string): Promise<string | undefined> {
  if (oid === '0') return undefined;
  const found = await catalogRows(
    asked.session,
    `SELECT spcname FROM pg_catalog.pg_tablespace\nWHERE oid = ${literal(oid)};`,
  );
  return found?.rows[0]?.[0] ?? undefined;
}

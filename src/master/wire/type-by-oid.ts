/** The type a client means by an oid in Parse. */
import { SqlError } from '../../types/sql-error.js';
import { type SqlType, TYPE_INFO, type TypeKind, VECTORS, vectorType } from '../../types/sql-type.js';

const BY_OID = new Map<number, SqlType>();
for (const [kind, info] of Object.entries(TYPE_INFO) as [
  Exclude<TypeKind, 'array'>,
  { oid: number; arrayOid: number },
][]) {
  const type = { kind } as SqlType;
  BY_OID.set(info.oid, type);
  if (info.arrayOid !== 0) BY_OID.set(info.arrayOid, { kind: 'array', element: type });
}

for (const v of VECTORS) BY_OID.set(v.oid, vectorType(v.oid)!);

/** Undefined for 0 and `unknown`: the statement decides. 42704 for an oid that is no type here. */
export function typeByOid(oid: number): SqlType | undefined {
  if (oid === 0 || oid === TYPE_INFO.unknown.oid) return undefined;
  const type = BY_OID.get(oid);
  if (type === undefined) throw new SqlError('42704', `type with OID ${oid} does not exist`);
  return type;
}

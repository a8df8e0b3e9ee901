/** What a statement does with the relations it names: the privileges that its execution needs.
 *
 *  Collected while names are resolved, as PostgreSQL marks its range table; checked by the master each time the statement
 *  runs. A relation inside of a view is read with the rights of the view's owner. */
import type { Relation } from '../catalog.js';

/** SELECT, INSERT, TRUNCATE, REFERENCES: as in access control lists. */
export type AccessLetter = 'r' | 'a' | 'D' | 'x';

export type RelationAccess = {
  readonly oid: number;
  readonly kind: Relation['kind'];
  readonly schema: string;
  readonly name: string;
  readonly letter: AccessLetter;
  /** Owner of the view that names it; undefined: whoever runs the statement. */
  readonly checkAs: number | undefined;
  /** Columns by ordinal. None: any column's privilege will do. */
  readonly columns: ReadonlySet<number>;
};

/** A column of a relation, as it will be noted when it is read. */
export type ColumnRead = { readonly access: AccessNote; readonly ordinal: number };

export class AccessNote implements RelationAccess {
  readonly oid: number;
  readonly kind: Relation['kind'];
  readonly schema: string;
  readonly name: string;
  readonly letter: AccessLetter;
  readonly checkAs: number | undefined;
  readonly columns = new Set<number>();

  constructor(relation: Relation, letter: AccessLetter, checkAs: number | undefined) {
    this.oid = relation.oid;
    this.kind = relation.kind;
    this.schema = relation.schema;
    this.name = relation.name;
    this.letter = letter;
    this.checkAs = checkAs;
  }

  columnRead(ordinal: number): ColumnRead {
    return { access: this, ordinal };
  }
}

export function noteReads(reads: readonly ColumnRead[] | undefined): void {
  for (const { access, ordinal } of reads ?? []) access.columns.add(ordinal);
}

/** What one statement's binding shares: catalog, settings, column ids, parameter types, notices, error positions.
 *
 *  Mutable while a statement is bound, then dropped. Must not know: any clause. */
import type { FunctionContext } from '../../types/functions/registry-types.js';
import type { ColId, SharedId } from '../../types/ids.js';
import { notSupported, SqlError, type SqlErrorFields } from '../../types/sql-error.js';
import type { SqlType } from '../../types/sql-type.js';
import type { Catalog, Relation } from '../catalog.js';
import type { Column, Expr } from '../expr.js';
import { sharedIdFrom } from '../logical/transform.js';
import type { SourceText } from '../sql/source-text.js';
import { type AccessLetter, AccessNote } from './relation-access.js';
import type { ColumnOrigin, Notice } from './statement.js';

export type BindOptions = {
  /** Types that the client declared for `$1`, `$2`, ...; undefined where it left them open. */
  readonly paramTypes: readonly (SqlType | undefined)[];
  /** A simple query has no parameters: `$1` is 42P02. */
  readonly noParams?: boolean;
  /** Settings and clock for constant folding and for literals such as 'now'. */
  readonly functions: FunctionContext;
};

/** Views inside views inside views: PostgreSQL finds recursion by rewriting; we count. */
const VIEW_DEPTH_MAX = 64;

export class BindContext {
  readonly catalog: Catalog;
  readonly options: BindOptions;
  readonly notices: Notice[] = [];
  /** Relations with what is done to them, in the order in which they were met. */
  readonly accesses: AccessNote[] = [];
  /** Of the text being bound; a view's text while a view is opened. */
  source: SourceText;
  /** Relations found without a schema: where to write it out when the text becomes a view. */
  readonly unqualified: { readonly location: number; readonly schema: string }[] = [];
  /** Columns that come unchanged from a relation that the statement names; those of a view are the view's. */
  readonly origins = new Map<ColId, ColumnOrigin>();
  private readonly params: (SqlType | undefined)[];
  private readonly paramSeenAt: (number | undefined)[] = [];
  private nextColumn = 1;
  private viewDepth = 0;
  private viewOwner: number | undefined;
  private readonly locations = new WeakMap<Expr, number>();

  constructor(catalog: Catalog, source: SourceText, options: BindOptions) {
    this.catalog = catalog;
    this.source = source;
    this.options = options;
    this.params = [...options.paramTypes];
  }

  column(name: string, type: SqlType, nullable: boolean): Column {
    return { id: this.columnId(), name, type, nullable };
  }

  /** `cols` are those of a relation, in its order. */
  originate(tableOid: number, cols: readonly Column[]): void {
    for (const [i, c] of cols.entries()) this.origins.set(c.id, { tableOid, columnNumber: i + 1 });
  }

  /** The new column shows what the other one shows. */
  passOrigin(from: ColId, to: ColId): void {
    const origin = this.origins.get(from);
    if (origin !== undefined) this.origins.set(to, origin);
  }

  columnId(): ColId {
    return this.nextColumn++ as ColId;
  }

  sharedId(): SharedId {
    return sharedIdFrom(() => this.columnId());
  }

  /** Remembers where an expression stands in the text, for errors found later. */
  at<E extends Expr>(e: E, location: number | undefined): E {
    if (location !== undefined) this.locations.set(e, location);
    return e;
  }

  locationOf(e: Expr): number | undefined {
    return this.locations.get(e);
  }

  /** `location` is the parser's: a byte offset, undefined meaning 0; pass -1 for "nowhere". */
  error(code: string, message: string, location: number | undefined, fields: SqlErrorFields = {}): SqlError {
    return new SqlError(code, message, { ...fields, position: this.position(location) });
  }

  notSupported(feature: string, location: number | undefined): SqlError {
    return notSupported(feature, this.position(location));
  }

  position(location: number | undefined): number | undefined {
    // Positions inside a view's text would point into a text that the client never sent.
    return this.viewDepth > 0 ? undefined : this.source.position(location);
  }

  get inView(): boolean {
    return this.viewDepth > 0;
  }

  access(relation: Relation, letter: AccessLetter): AccessNote {
    const note = new AccessNote(relation, letter, this.viewOwner);
    this.accesses.push(note);
    return note;
  }

  /** Binds a view's text, with the rights of its owner. */
  withSource<T>(source: SourceText, name: string, owner: number, f: () => T): T {
    if (this.viewDepth >= VIEW_DEPTH_MAX)
      throw new SqlError('42P17', `infinite recursion detected in rules for relation "${name}"`);
    const outer = this.source;
    const outerOwner = this.viewOwner;
    this.source = source;
    this.viewOwner = owner;
    this.viewDepth++;
    try {
      return f();
    } finally {
      this.source = outer;
      this.viewOwner = outerOwner;
      this.viewDepth--;
    }
  }

  /** The parameter as an expression; of type `unknown` until a context gives it a type. */
  param(index: number, location: number | undefined): Expr {
    if (this.options.noParams === true)
      throw this.error('42P02', `there is no parameter $${index + 1}`, location);
    while (this.params.length <= index) this.params.push(undefined);
    this.paramSeenAt[index] ??= location ?? 0;
    const type = this.params[index] ?? { kind: 'unknown' };
    return this.at({ kind: 'param', index, type }, location ?? 0);
  }

  decideParam(index: number, type: SqlType, location: number | undefined): void {
    const known = this.params[index];
    if (known === undefined || known.kind === 'unknown') this.params[index] = type;
    else if (known.kind !== type.kind)
      throw this.error('42P08', `inconsistent types deduced for parameter $${index + 1}`, location);
  }

  paramType(index: number): SqlType | undefined {
    return this.params[index];
  }

  /** Every parameter's type; 42P18 for one that nothing decided. */
  finishedParamTypes(): readonly SqlType[] {
    return this.params.map((t, i) => {
      if (t !== undefined && t.kind !== 'unknown') return t;
      throw this.error(
        '42P18',
        `could not determine data type of parameter $${i + 1}`,
        this.paramSeenAt[i] ?? -1,
      );
    });
  }
}

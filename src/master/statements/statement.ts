import type { BoundStatement } from '../../plan/bind/statement.js';

/** The bound statement of one kind. */
export type Statement<K extends BoundStatement['kind']> = Extract<BoundStatement, { readonly kind: K }>;

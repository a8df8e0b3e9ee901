/** What the server says, in the shapes that node-postgres hands out. */

export type ServerField = {
  readonly name: string;
  readonly tableID: number;
  readonly columnID: number;
  readonly dataTypeID: number;
  readonly dataTypeModifier: number;
};

/** An error or a notice. */
export type ServerMessage = {
  readonly message: string;
  readonly severity?: string | undefined;
  readonly code?: string | undefined;
  readonly detail?: string | undefined;
  readonly hint?: string | undefined;
  readonly position?: string | undefined;
  readonly internalPosition?: string | undefined;
  readonly internalQuery?: string | undefined;
  readonly where?: string | undefined;
  readonly schema?: string | undefined;
  readonly table?: string | undefined;
  readonly column?: string | undefined;
  readonly dataType?: string | undefined;
  readonly constraint?: string | undefined;
  readonly file?: string | undefined;
  readonly line?: string | undefined;
  readonly routine?: string | undefined;
};

export type Notification = { readonly channel: string; readonly payload: string; readonly processId: number };

/** The rows of one statement. */
export type ResultSet = {
  readonly fields: readonly ServerField[];
  readonly rows: (string | null)[][];
};

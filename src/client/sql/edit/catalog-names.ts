/** Names that the server knows, for completion: read when they are first wanted, and again when they may have changed. */
import type { ServerConnection } from '../wire/server-connection.js';

export type RelationName = {
  readonly schema: string;
  readonly name: string;
  readonly kind: string;
  /** Found without its schema. */
  readonly visible: boolean;
};

export type Names = {
  readonly relations: readonly RelationName[];
  readonly schemas: readonly string[];
  /** Those that are found without a schema. */
  readonly functions: readonly string[];
  readonly settings: readonly { readonly name: string; readonly values: readonly string[] }[];
  readonly databases: readonly string[];
  readonly roles: readonly string[];
};

export const NO_NAMES: Names = {
  relations: [],
  schemas: [],
  functions: [],
  settings: [],
  databases: [],
  roles: [],
};

export class CatalogNames {
  private connection: ServerConnection | undefined;
  private names: Names | undefined;
  private readonly columns = new Map<string, readonly string[]>();

  /** What was known may not hold any more. */
  forget(): void {
    this.names = undefined;
    this.columns.clear();
  }

  /** Nothing can be asked of a failed transaction: what is known has to do. */
  private usable(connection: ServerConnection | undefined): connection is ServerConnection {
    if (connection !== this.connection) {
      this.connection = connection;
      this.forget();
    }
    return (
      connection !== undefined &&
      connection.lost === undefined &&
      !connection.running &&
      connection.transactionStatus !== 'E'
    );
  }

  async all(connection: ServerConnection | undefined): Promise<Names> {
    if (!this.usable(connection)) return this.names ?? NO_NAMES;
    this.names ??= await readNames(connection).catch(() => NO_NAMES);
    return this.names;
  }

  /** Columns of a relation, in their order. */
  async columnsOf(
    connection: ServerConnection | undefined,
    schema: string | undefined,
    name: string,
  ): Promise<readonly string[]> {
    const key = `${schema ?? ''}.${name}`;
    const known = this.usable(connection) ? this.columns.get(key) : undefined;
    if (known !== undefined || connection === undefined || !this.usable(connection)) return known ?? [];
    const literal = (t: string): string => `'${t.replaceAll("'", "''")}'`;
    const where =
      schema === undefined ? 'pg_catalog.pg_table_is_visible(c.oid)' : `n.nspname = ${literal(schema)}`;
    const found = await connection
      .rows(
        `SELECT a.attname FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.relname = ${literal(name)} AND ${where} AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum`,
      )
      .then((r) => r.rows.map((row) => row[0]!))
      .catch(() => []);
    this.columns.set(key, found);
    return found;
  }
}

async function readNames(connection: ServerConnection): Promise<Names> {
  const rows = async (sql: string): Promise<readonly (string | null)[][]> => {
    try {
      return (await connection.rows(sql)).rows;
    } catch {
      return [];
    }
  };
  const relations = await rows(
    "SELECT n.nspname, c.relname, c.relkind, pg_catalog.pg_table_is_visible(c.oid) FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r','p','v','m','f','S','i') AND n.nspname !~ '^pg_toast' ORDER BY 2",
  );
  const schemas = await rows(
    "SELECT nspname FROM pg_catalog.pg_namespace WHERE nspname !~ '^pg_(toast|temp)' ORDER BY 1",
  );
  const functions = await rows(
    "SELECT DISTINCT p.proname FROM pg_catalog.pg_proc p WHERE pg_catalog.pg_function_is_visible(p.oid) AND p.proname !~ '^_' ORDER BY 1",
  );
  const settings = await rows('SELECT name, vartype, enumvals FROM pg_catalog.pg_settings ORDER BY 1');
  const databases = await rows('SELECT datname FROM pg_catalog.pg_database ORDER BY 1');
  const roles = await rows('SELECT rolname FROM pg_catalog.pg_roles ORDER BY 1');
  return {
    relations: relations.map(([schema, name, kind, visible]) => ({
      schema: schema!,
      name: name!,
      kind: kind!,
      visible: visible === 't',
    })),
    schemas: schemas.map((r) => r[0]!),
    functions: functions.map((r) => r[0]!),
    settings: settings.map(([name, type, values]) => ({
      name: name!,
      values: type === 'bool' ? ['on', 'off'] : type === 'enum' ? arrayItems(values ?? '{}') : [],
    })),
    databases: databases.map((r) => r[0]!),
    roles: roles.map((r) => r[0]!),
  };
}

function arrayItems(text: string): string[] {
  return text === '{}'
    ? []
    : text
        .slice(1, -1)
        .split(',')
        .map((t) => t.replace(/^"|"$/g, ''));
}

/** \h: the statements, as mpp takes them. */
export type StatementHelp = { readonly name: string; readonly description: string; readonly syntax: string };

export const SQL_HELP: readonly StatementHelp[] = [
  {
    name: 'ALTER TABLE',
    description: 'change the definition of a table',
    syntax: `ALTER TABLE [ IF EXISTS ] name RENAME TO new_name\nALTER TABLE [ IF EXISTS ] name RENAME [ COLUMN ] column TO new_column\nALTER TABLE [ IF EXISTS ] name SET SCHEMA new_schema\nALTER TABLE [ IF EXISTS ] name action [, ...]`,
  },
  {
    name: 'ANALYZE',
    description: 'collect statistics about a database',
    syntax: `ANALYZE [ VERBOSE ] [ table [ ( column [, ...] ) ] [, ...] ]`,
  },
  {
    name: 'BEGIN',
    description: 'start a transaction block',
    syntax: `BEGIN [ WORK | TRANSACTION ] [ ISOLATION LEVEL ... ] [ READ WRITE | READ ONLY ]`,
  },
  { name: 'CLOSE', description: 'close a cursor', syntax: `CLOSE { name | ALL }` },
  {
    name: 'COMMENT',
    description: 'define or change the comment of an object',
    syntax: `COMMENT ON { TABLE | COLUMN | VIEW | SCHEMA | ... } name IS { 'text' | NULL }`,
  },
  { name: 'COMMIT', description: 'commit the current transaction', syntax: `COMMIT [ WORK | TRANSACTION ]` },
  {
    name: 'COPY',
    description: 'copy data between a file and a table',
    syntax: `COPY table [ ( column [, ...] ) ]\n    FROM { 'file' | STDIN }\n    [ [ WITH ] ( option [, ...] ) ]\n    [ WHERE condition ]\n\nCOPY { table [ ( column [, ...] ) ] | ( query ) }\n    TO { 'file' | STDOUT }\n    [ [ WITH ] ( option [, ...] ) ]\n\nwhere option can be one of:\n\n    FORMAT { text | csv }\n    DELIMITER 'character'\n    NULL 'string'\n    HEADER [ boolean | MATCH ]\n    QUOTE 'character'\n    ESCAPE 'character'\n    FORCE_QUOTE { ( column [, ...] ) | * }\n    FORCE_NOT_NULL ( column [, ...] )\n    FORCE_NULL ( column [, ...] )\n    ENCODING 'encoding'`,
  },
  {
    name: 'CREATE SCHEMA',
    description: 'define a new schema',
    syntax: `CREATE SCHEMA [ IF NOT EXISTS ] name`,
  },
  {
    name: 'CREATE TABLE',
    description: 'define a new table',
    syntax: `CREATE [ TEMPORARY | TEMP ] TABLE [ IF NOT EXISTS ] name ( [\n  { column type [ COLLATE collation ] [ column_constraint [ ... ] ]\n    | table_constraint\n    | LIKE source [ INCLUDING ... ] }\n    [, ...]\n] )\n[ DISTRIBUTED { BY ( column [, ...] ) | RANDOMLY | REPLICATED } ]\n\nwhere column_constraint is:\n\n[ CONSTRAINT name ]\n{ NOT NULL | NULL | DEFAULT expression | PRIMARY KEY | UNIQUE | CHECK ( expression ) | REFERENCES table [ ( column ) ] }\n\nDISTRIBUTED is mpp's: it says which segment stores a row.`,
  },
  {
    name: 'CREATE TABLE AS',
    description: 'define a new table from the results of a query',
    syntax: `CREATE [ TEMPORARY | TEMP ] TABLE [ IF NOT EXISTS ] name [ ( column [, ...] ) ]\n    AS query\n    [ WITH [ NO ] DATA ]\n    [ DISTRIBUTED { BY ( column [, ...] ) | RANDOMLY | REPLICATED } ]`,
  },
  {
    name: 'CREATE VIEW',
    description: 'define a new view',
    syntax: `CREATE [ OR REPLACE ] VIEW name [ ( column [, ...] ) ] AS query`,
  },
  {
    name: 'DEALLOCATE',
    description: 'forget a prepared statement',
    syntax: `DEALLOCATE [ PREPARE ] { name | ALL }`,
  },
  {
    name: 'DECLARE',
    description: 'define a cursor',
    syntax: `DECLARE name [ [ NO ] SCROLL ] CURSOR [ { WITH | WITHOUT } HOLD ] FOR query`,
  },
  {
    name: 'DELETE',
    description: 'delete rows of a table',
    syntax: `[ WITH with_query [, ...] ]\nDELETE FROM table [ [ AS ] alias ]\n    [ USING from_item [, ...] ]\n    [ WHERE condition ]\n    [ RETURNING output [, ...] ]`,
  },
  {
    name: 'DISCARD',
    description: 'discard session state',
    syntax: `DISCARD { ALL | PLANS | SEQUENCES | TEMPORARY | TEMP }`,
  },
  {
    name: 'DROP SCHEMA',
    description: 'remove a schema',
    syntax: `DROP SCHEMA [ IF EXISTS ] name [, ...] [ CASCADE | RESTRICT ]`,
  },
  {
    name: 'DROP TABLE',
    description: 'remove a table',
    syntax: `DROP TABLE [ IF EXISTS ] name [, ...] [ CASCADE | RESTRICT ]`,
  },
  {
    name: 'DROP VIEW',
    description: 'remove a view',
    syntax: `DROP VIEW [ IF EXISTS ] name [, ...] [ CASCADE | RESTRICT ]`,
  },
  {
    name: 'EXECUTE',
    description: 'run a prepared statement',
    syntax: `EXECUTE name [ ( parameter [, ...] ) ]`,
  },
  {
    name: 'EXPLAIN',
    description: 'show the plan of a statement',
    syntax: `EXPLAIN [ ( option [, ...] ) ] statement\nEXPLAIN [ ANALYZE ] [ VERBOSE ] statement\n\nwhere option can be one of:\n\n    ANALYZE [ boolean ]     run it; rows and times over every segment\n    VERBOSE [ boolean ]\n    COSTS [ boolean ]\n    TIMING [ boolean ]\n    SUMMARY [ boolean ]\n    FORMAT { TEXT | JSON }`,
  },
  {
    name: 'FETCH',
    description: 'retrieve rows with a cursor',
    syntax: `FETCH [ direction ] [ FROM | IN ] cursor`,
  },
  {
    name: 'GRANT',
    description: 'define access privileges',
    syntax: `GRANT { privilege [, ...] | ALL } ON { TABLE name | SCHEMA name } [, ...] TO role [, ...]`,
  },
  {
    name: 'INSERT',
    description: 'add rows to a table',
    syntax: `[ WITH with_query [, ...] ]\nINSERT INTO table [ ( column [, ...] ) ]\n    { DEFAULT VALUES | VALUES ( { expression | DEFAULT } [, ...] ) [, ...] | query }\n    [ RETURNING output [, ...] ]`,
  },
  {
    name: 'PREPARE',
    description: 'prepare a statement',
    syntax: `PREPARE name [ ( type [, ...] ) ] AS statement`,
  },
  { name: 'RESET', description: 'restore a parameter to its default', syntax: `RESET { parameter | ALL }` },
  {
    name: 'REVOKE',
    description: 'remove access privileges',
    syntax: `REVOKE { privilege [, ...] | ALL } ON { TABLE name | SCHEMA name } [, ...] FROM role [, ...]`,
  },
  {
    name: 'ROLLBACK',
    description: 'abort the current transaction',
    syntax: `ROLLBACK [ WORK | TRANSACTION ]`,
  },
  {
    name: 'SELECT',
    description: 'retrieve rows from a table or view',
    syntax: `[ WITH [ RECURSIVE ] name [ ( column [, ...] ) ] AS [ [ NOT ] MATERIALIZED ] ( statement ) [, ...] ]\nSELECT [ ALL | DISTINCT [ ON ( expression [, ...] ) ] ]\n    [ * | expression [ [ AS ] name ] [, ...] ]\n    [ FROM from_item [, ...] ]\n    [ WHERE condition ]\n    [ GROUP BY { expression | ROLLUP ( ... ) | CUBE ( ... ) | GROUPING SETS ( ... ) } [, ...] ]\n    [ HAVING condition ]\n    [ WINDOW name AS ( definition ) [, ...] ]\n    [ { UNION | INTERSECT | EXCEPT } [ ALL | DISTINCT ] select ]\n    [ ORDER BY expression [ ASC | DESC ] [ NULLS { FIRST | LAST } ] [, ...] ]\n    [ LIMIT { count | ALL } ]\n    [ OFFSET start [ ROW | ROWS ] ]\n    [ FETCH { FIRST | NEXT } [ count ] { ROW | ROWS } { ONLY | WITH TIES } ]\n\nwhere from_item can be one of:\n\n    [ ONLY ] table [ [ AS ] alias [ ( column [, ...] ) ] ]\n    [ LATERAL ] ( select ) [ [ AS ] alias [ ( column [, ...] ) ] ]\n    [ LATERAL ] function ( [ argument [, ...] ] ) [ WITH ORDINALITY ] [ [ AS ] alias ]\n    from_item [ INNER | { LEFT | RIGHT | FULL } [ OUTER ] ] JOIN from_item { ON condition | USING ( column [, ...] ) }\n    from_item NATURAL join_type from_item\n    from_item CROSS JOIN from_item`,
  },
  {
    name: 'SET',
    description: 'change a parameter',
    syntax: `SET [ SESSION | LOCAL ] parameter { TO | = } { value | 'value' | DEFAULT }\nSET [ SESSION | LOCAL ] TIME ZONE { value | 'value' | LOCAL | DEFAULT }`,
  },
  { name: 'SHOW', description: 'show a parameter', syntax: `SHOW { name | ALL }` },
  { name: 'TABLE', description: 'retrieve all rows of a table', syntax: `TABLE [ ONLY ] name` },
  { name: 'TRUNCATE', description: 'empty a table', syntax: `TRUNCATE [ TABLE ] name [, ...]` },
  {
    name: 'UPDATE',
    description: 'update rows of a table',
    syntax: `[ WITH with_query [, ...] ]\nUPDATE table [ [ AS ] alias ]\n    SET { column = { expression | DEFAULT } | ( column [, ...] ) = ( ... ) } [, ...]\n    [ FROM from_item [, ...] ]\n    [ WHERE condition ]\n    [ RETURNING output [, ...] ]`,
  },
  { name: 'VACUUM', description: 'give back the room of deleted rows', syntax: `VACUUM [ table [, ...] ]` },
  {
    name: 'VALUES',
    description: 'compute rows',
    syntax: `VALUES ( expression [, ...] ) [, ...]\n    [ ORDER BY ... ] [ LIMIT ... ] [ OFFSET ... ]`,
  },
  {
    name: 'WITH',
    description: 'retrieve rows from a table or view',
    syntax: `WITH name [ ( column [, ...] ) ] AS [ [ NOT ] MATERIALIZED ] ( statement ) [, ...] statement`,
  },
];

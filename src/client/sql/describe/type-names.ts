/** Names that people use for types, and the ones that the catalog shows. */
const TYPE_NAMES: Readonly<Record<string, string>> = {
  decimal: 'numeric',
  float: 'double precision',
  int: 'integer',
  'bool[]': 'boolean[]',
  'decimal[]': 'numeric[]',
  'float[]': 'double precision[]',
  'float4[]': 'real[]',
  'float8[]': 'double precision[]',
  'int[]': 'integer[]',
  'int2[]': 'smallint[]',
  'int4[]': 'integer[]',
  'int8[]': 'bigint[]',
  'time[]': 'time without time zone[]',
  'timetz[]': 'time with time zone[]',
  'timestamp[]': 'timestamp without time zone[]',
  'timestamptz[]': 'timestamp with time zone[]',
  'varbit[]': 'bit varying[]',
  'varchar[]': 'character varying[]',
};

export function typeName(pattern: string): string {
  return TYPE_NAMES[pattern.toLowerCase()] ?? pattern;
}

/** The relations a view's query reads: every schema-qualified name in a FROM position of its parse tree. */
import type { Node } from 'libpg-query';

/** `oidOf` gives undefined for what is no stored or system relation. */
export function dependencies(
  query: Node,
  oidOf: (schema: string, name: string) => number | undefined,
): readonly number[] {
  const found = new Set<number>();
  const visit = (x: unknown): void => {
    if (Array.isArray(x)) {
      for (const item of x) visit(item);
      return;
    }
    if (typeof x !== 'object' || x === null) return;
    for (const [key, value] of Object.entries(x)) {
      if (key === 'RangeVar') {
        const { schemaname, relname } = value as { schemaname?: string; relname?: string };
        const oid =
          schemaname === undefined || relname === undefined ? undefined : oidOf(schemaname, relname);
        if (oid !== undefined) found.add(oid);
      } else visit(value);
    }
  };
  visit(query);
  return [...found];
}

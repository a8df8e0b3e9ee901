/** Completions: what is offered, and how names are written. */
import type { Settings } from '../session.js';
import type { ServerConnection } from '../wire/server-connection.js';
import type { CatalogNames } from './catalog-names.js';

export type Candidate = {
  readonly text: string;
  readonly kind: 'keyword' | 'column' | 'relation' | 'schema' | 'function' | 'setting' | 'other';
  /** Added when it is the one that was meant. */
  readonly suffix: string;
};

export type Completion = { readonly candidates: readonly Candidate[]; readonly from: number };

export type CompletionHost = {
  readonly names: CatalogNames;
  readonly connection: ServerConnection | undefined;
  readonly settings: Settings;
  readonly variables: readonly string[];
};

const CANDIDATES_MAX = 400;

/** Quoted where the name would not be read as it stands. */
export function quoteName(name: string): string {
  return /^[a-z_][a-z0-9_$]*$/.test(name) && !RESERVED.has(name.toUpperCase())
    ? name
    : `"${name.replaceAll('"', '""')}"`;
}

/** Words that are no names unless quoted. */
const RESERVED = new Set(
  'ALL ANALYZE AND ANY ARRAY AS ASC BOTH CASE CAST CHECK COLLATE COLUMN CONSTRAINT CREATE DEFAULT DESC DISTINCT DO ELSE END EXCEPT FALSE FETCH FOR FOREIGN FROM GRANT GROUP HAVING IN INTERSECT INTO LATERAL LIMIT NOT NULL OFFSET ON ONLY OR ORDER PRIMARY REFERENCES RETURNING SELECT SOME TABLE THEN TO TRUE UNION UNIQUE USER USING WHEN WHERE WINDOW WITH'.split(
    ' ',
  ),
);

/** Those that begin with what was typed, each once. */
export function filtered(candidates: readonly Candidate[], from: number, typed: string): Completion {
  const wanted = typed.replace(/^"/, '').toLowerCase();
  const seen = new Set<string>();
  const out: Candidate[] = [];
  for (const c of candidates) {
    if (!c.text.replace(/^"/, '').toLowerCase().startsWith(wanted)) continue;
    if (typed.startsWith('"') && !c.text.startsWith('"')) {
      const quoted = { ...c, text: `"${c.text}"` };
      if (!seen.has(quoted.text)) out.push(quoted);
      seen.add(quoted.text);
      continue;
    }
    if (seen.has(c.text)) continue;
    seen.add(c.text);
    out.push(c);
    if (out.length >= CANDIDATES_MAX) break;
  }
  return { candidates: out, from };
}

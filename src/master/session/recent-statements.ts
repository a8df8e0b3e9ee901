/** The simple queries that a session has sent of late, by their text: parsed, bound and planned.
 *
 *  A dashboard sends the same text again and again. Results are never kept, only what PREPARE would keep too.
 *  Invariant: an entry is used only if binding the text anew would give the same: no setting has changed since, it holds
 *  nothing but queries, and binding did not ask for the time (`'today'::date`). The catalog's and the statistics' versions
 *  are compared where bindings and plans are used, as for prepared statements. */
import type { Prepared } from './prepared.js';

const ENTRIES_MAX = 64;
const TEXT_LENGTH_MAX = 16_384;

type Entry = { readonly revision: number; readonly statements: readonly Prepared[] };

export class RecentStatements {
  private readonly entries = new Map<string, Entry>();

  get(text: string, revision: number): readonly Prepared[] | undefined {
    const entry = this.entries.get(text);
    if (entry === undefined) return undefined;
    this.entries.delete(text);
    if (entry.revision !== revision) return undefined;
    this.entries.set(text, entry);
    return entry.statements;
  }

  /** After they have run. */
  keep(text: string, revision: number, statements: readonly Prepared[]): void {
    if (text.length > TEXT_LENGTH_MAX || statements.length === 0 || !statements.every(repeatable)) return;
    this.entries.delete(text);
    this.entries.set(text, { revision, statements });
    if (this.entries.size > ENTRIES_MAX) this.entries.delete(this.entries.keys().next().value!);
  }

  clear(): void {
    this.entries.clear();
  }
}

function repeatable({ binding }: Prepared): boolean {
  if (binding === undefined || binding.readsClock) return false;
  // A notice is due each time.
  return binding.statement.kind === 'query' && binding.statement.notices.length === 0;
}

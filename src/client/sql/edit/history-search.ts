/** Ctrl-R: the latest entry that contains what is typed; Ctrl-R again, the one before. */
export class HistorySearch {
  query = '';
  /** Of the entry that was found. */
  at: number;
  match: string | undefined;
  private readonly entries: readonly string[];

  constructor(entries: readonly string[]) {
    this.entries = entries;
    this.at = entries.length;
  }

  get prompt(): string {
    const failed = this.query !== '' && this.match === undefined ? 'failed ' : '';
    return `(${failed}reverse-i-search) \`${this.query}': `;
  }

  /** Where in the entry the query stands. */
  get cursor(): number {
    return this.match?.toLowerCase().indexOf(this.query.toLowerCase()) ?? 0;
  }

  lengthen(text: string): void {
    this.query += text;
    this.find(Math.min(this.at, this.entries.length - 1));
  }

  shorten(): void {
    this.query = Array.from(this.query).slice(0, -1).join('');
    this.find(this.entries.length - 1);
  }

  next(): void {
    if (this.query !== '') this.find(this.at - 1);
  }

  private find(from: number): void {
    if (this.query === '') {
      this.match = undefined;
      this.at = this.entries.length;
      return;
    }
    const wanted = this.query.toLowerCase();
    for (let i = from; i >= 0; i--)
      if (this.entries[i]!.toLowerCase().includes(wanted)) {
        this.at = i;
        this.match = this.entries[i];
        return;
      }
    // What was found before stays in sight.
    if (this.match !== undefined && !this.match.toLowerCase().includes(wanted)) this.match = undefined;
  }
}

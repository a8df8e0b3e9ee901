/** What was typed, kept on disk: one entry a statement, also of many lines. */
import { appendFileSync, chmodSync, readFileSync, writeFileSync } from 'node:fs';
import type { Settings } from './session.js';

/** A newline within an entry, as psql keeps it. */
const NEWLINE = '\x01';

export class History {
  private readonly file: string | undefined;
  private readonly settings: Settings;
  private readonly list: string[] = [];

  constructor(file: string | undefined, settings: Settings) {
    this.file = file;
    this.settings = settings;
    if (file === undefined) return;
    try {
      for (const line of readFileSync(file, 'utf8').split('\n'))
        if (line !== '') this.list.push(line.replaceAll(NEWLINE, '\n'));
    } catch {
      // There is none yet, or it may not be read: the session begins without.
    }
    this.trim();
  }

  entries(): readonly string[] {
    return this.list;
  }

  add(entry: string): void {
    const { historyControl } = this.settings;
    const ignoreSpace = historyControl === 'ignorespace' || historyControl === 'ignoreboth';
    const ignoreDuplicates = historyControl === 'ignoredups' || historyControl === 'ignoreboth';
    if (entry.trim() === '' || (ignoreSpace && entry.startsWith(' '))) return;
    if (ignoreDuplicates && this.list[this.list.length - 1] === entry) return;
    this.list.push(entry);
    this.trim();
    if (this.file === undefined) return;
    try {
      // At once: a session that is killed loses nothing, and others see it.
      appendFileSync(this.file, `${entry.replaceAll('\n', NEWLINE)}\n`, { mode: 0o600 });
    } catch {
      // A history that cannot be written is kept for this session.
    }
  }

  private trim(): void {
    const { historySize } = this.settings;
    if (historySize >= 0 && this.list.length > historySize)
      this.list.splice(0, this.list.length - historySize);
  }

  /** Shortens the file to what is kept. */
  close(): void {
    if (this.file === undefined) return;
    try {
      const lines = readFileSync(this.file, 'utf8')
        .split('\n')
        .filter((l) => l !== '');
      const { historySize } = this.settings;
      if (historySize < 0 || lines.length <= historySize) return;
      writeFileSync(this.file, `${lines.slice(-historySize).join('\n')}\n`);
      chmodSync(this.file, 0o600);
    } catch {
      // As above.
    }
  }
}

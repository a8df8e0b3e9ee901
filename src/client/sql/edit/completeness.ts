/** Whether Enter sends what has been typed, or begins a new line of it. */
import type { PromptStatus, SqlScanner } from '../scan/sql-scanner.js';

export type Reading = { readonly complete: boolean; readonly status: PromptStatus };

/** Reads the text from where `scanner` stands, which stays as it is. */
export function readAhead(scanner: SqlScanner, text: string): Reading {
  const ahead = scanner.clone();
  let command = false;
  for (const [i, line] of text.split('\n').entries()) {
    if (i > 0 && ahead.buffer.length > 0) ahead.buffer += '\n';
    command = false;
    ahead.setLine(line);
    for (;;) {
      const found = ahead.scan();
      if (found === 'semicolon') {
        ahead.buffer = '';
        continue;
      }
      if (found !== 'backslash') break;
      command = true;
      // \g and its kin send what is there; the line's rest is the command's.
      if (/^g(x|set|exec|desc)?\b|^crosstabview\b|^watch\b|^r\b|^reset\b/.test(ahead.rest())) {
        ahead.buffer = '';
        ahead.reset();
      }
      break;
    }
  }
  return { complete: command || ahead.status === 'ready', status: ahead.status };
}

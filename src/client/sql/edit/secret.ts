/** Asks for a password on the terminal, without showing it. */
import { closeSync, openSync } from 'node:fs';
import { ReadStream } from 'node:tty';
import { stderr } from '../output.js';

/** Undefined: nobody could be asked, or Ctrl-C. */
export async function promptSecret(prompt: string): Promise<string | undefined> {
  let fd: number;
  try {
    fd = openSync('/dev/tty', 'r');
  } catch {
    return undefined;
  }
  const input = new ReadStream(fd);
  stderr(prompt);
  input.setRawMode(true);
  try {
    return await readSecret(input);
  } finally {
    input.setRawMode(false);
    input.destroy();
    stderr('\n');
    try {
      closeSync(fd);
    } catch {
      // The stream has closed it.
    }
  }
}

function readSecret(input: ReadStream): Promise<string | undefined> {
  return new Promise((resolve) => {
    let text = '';
    input.on('data', (data: Buffer) => {
      for (const c of data.toString('utf8'))
        if (c === '\r' || c === '\n' || c === '\x04') return resolve(text);
        else if (c === '\x03') return resolve(undefined);
        else if (c === '\x7f' || c === '\b') text = Array.from(text).slice(0, -1).join('');
        else if (c === '\x15') text = '';
        else text += c;
    });
    input.on('error', () => resolve(undefined));
    input.on('end', () => resolve(undefined));
  });
}

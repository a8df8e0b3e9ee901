/** A program in a real terminal: a pty made by util-linux' `script` or by Python, and a model of the screen. */
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process';

export const COLUMNS = 100;
export const ROWS = 30;

/** Copies between our pipes and a pty of the right size. */
const PYTHON = `
import fcntl, os, pty, select, struct, sys, termios
pid, fd = pty.fork()
if pid == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack('HHHH', ${ROWS}, ${COLUMNS}, 0, 0))
ends = [0, fd]
while True:
    ready, _, _ = select.select(ends, [], [])
    if 0 in ready:
        data = os.read(0, 4096)
        if data: os.write(fd, data)
        else: ends = [fd]
    if fd in ready:
        try: data = os.read(fd, 65536)
        except OSError: data = b''
        if not data: break
        while data: data = data[os.write(1, data):]
_, status = os.waitpid(pid, 0)
sys.exit(os.waitstatus_to_exitcode(status))
`;

export type PtyMaker = (command: readonly string[]) => readonly string[];

/** How a pty can be had here; undefined: not at all. */
export function findPty(): PtyMaker | undefined {
  const python = spawnSync('python3', ['-c', 'import pty, termios, fcntl; print("pty")'], {
    encoding: 'utf8',
  });
  if (python.stdout?.startsWith('pty')) return (command) => ['python3', '-c', PYTHON, ...command];
  const script = spawnSync('script', ['--version'], { encoding: 'utf8' });
  if (/util-linux/.test(script.stdout ?? '')) {
    const quote = (t: string): string => `'${t.replaceAll("'", `'"'"'`)}'`;
    return (command) => [
      'script',
      '-qfec',
      `stty cols ${COLUMNS} rows ${ROWS}; exec ${command.map(quote).join(' ')}`,
      '/dev/null',
    ];
  }
  return undefined;
}

/** What a person would see: enough of a terminal for programs that redraw lines. */
export class ScreenModel {
  private lines: string[][] = [[]];
  private row = 0;
  private column = 0;
  private pending = '';

  write(data: string): void {
    const text = this.pending + data;
    this.pending = '';
    let at = 0;
    while (at < text.length) {
      const c = text[at]!;
      if (c === '\x1b') {
        // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences
        const sequence = /^\x1b(?:\[([0-9;?]*)([A-Za-z~])|[()][A-Z0-9]|[=>])/.exec(text.slice(at, at + 32));
        if (sequence === null) {
          if (text.length - at < 32) {
            this.pending = text.slice(at);
            return;
          }
          at++;
          continue;
        }
        if (sequence[2] !== undefined) this.control(sequence[2], sequence[1] ?? '');
        at += sequence[0].length;
        continue;
      }
      const code = text.codePointAt(at)!;
      const char = String.fromCodePoint(code);
      if (c === '\r') this.column = 0;
      else if (c === '\n') this.down();
      else if (c === '\b') this.column = Math.max(0, this.column - 1);
      else if (code >= 32) {
        if (this.column >= COLUMNS) {
          this.column = 0;
          this.down();
        }
        const line = this.lines[this.row]!;
        while (line.length < this.column) line.push(' ');
        line[this.column++] = char;
      }
      at += char.length;
    }
  }

  private down(): void {
    this.row++;
    while (this.lines.length <= this.row) this.lines.push([]);
  }

  private control(letter: string, parameters: string): void {
    const n = Number(parameters.split(';')[0] || '1');
    if (letter === 'A') this.row = Math.max(0, this.row - n);
    else if (letter === 'B') for (let i = 0; i < n; i++) this.down();
    else if (letter === 'C') this.column += n;
    else if (letter === 'D') this.column = Math.max(0, this.column - n);
    else if (letter === 'J' && (parameters === '' || parameters === '0')) {
      this.lines.length = this.row + 1;
      this.lines[this.row]!.length = Math.min(this.lines[this.row]!.length, this.column);
    } else if (letter === 'J' || letter === 'H') {
      this.lines = [[]];
      this.row = 0;
      this.column = 0;
    } else if (letter === 'K')
      this.lines[this.row]!.length = Math.min(this.lines[this.row]!.length, this.column);
  }

  get text(): string {
    return this.lines.map((l) => l.join('').trimEnd()).join('\n');
  }
}

export class Terminal {
  /** All bytes, colours included. */
  raw = '';
  readonly screen = new ScreenModel();
  readonly exited: Promise<number>;
  private readonly child: ChildProcessWithoutNullStreams;

  constructor(make: PtyMaker, command: readonly string[], env: NodeJS.ProcessEnv) {
    const [program, ...args] = make(command);
    this.child = spawn(program!, args, { env: { ...process.env, TERM: 'xterm-256color', ...env } });
    this.child.stdout.setEncoding('utf8');
    this.child.stdout.on('data', (data: string) => {
      this.raw += data;
      this.screen.write(data);
    });
    this.child.stdin.on('error', () => undefined);
    this.exited = new Promise((resolve) => this.child.on('close', (code) => resolve(code ?? -1)));
  }

  type(text: string): void {
    this.child.stdin.write(text);
  }

  /** Waits until the screen shows it; throws with what it shows instead. */
  async see(what: string | RegExp, timeoutMs = 15_000): Promise<void> {
    const until = Date.now() + timeoutMs;
    const there = (): boolean => {
      const { text } = this.screen;
      return typeof what === 'string' ? text.includes(what) : what.test(text);
    };
    while (!there()) {
      if (Date.now() > until) throw new Error(`not seen: ${what}\nThe screen:\n${this.screen.text}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  kill(): void {
    this.child.kill('SIGKILL');
  }
}

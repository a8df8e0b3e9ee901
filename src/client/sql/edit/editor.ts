/** The line editor: many lines, colours as you type, completion, history with search, pasted text taken as it is.
 *
 *  Owns: the terminal in raw mode while a statement is typed, and nothing of it otherwise. Keys are decoded by Node. */
import { emitKeypressEvents, type Interface, type Key } from 'node:readline';
import type { History } from '../history.js';
import type { Candidate, Completion } from './candidates.js';
import { HistorySearch } from './history-search.js';
import { CONTROL_KEYS, META_KEYS, PLAIN_KEYS } from './keys.js';
import { Menu } from './menu.js';
import { Screen, type View } from './screen.js';
import { TextBuffer } from './text-buffer.js';

export type Outcome =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'end' }
  | { readonly kind: 'interrupt' };

export type EditRequest = {
  readonly prompt: string;
  readonly promptOf: (line: number, before: string) => string;
  /** Enter sends the text; else it begins a new line. */
  readonly complete: (text: string) => boolean;
  readonly completions?: (text: string, cursor: number) => Promise<Completion | undefined>;
  readonly history?: History;
  readonly colors: boolean;
  /** Text to begin with. */
  readonly text?: string;
};

const PASTE_ON = '\x1b[?2004h';
const PASTE_OFF = '\x1b[?2004l';

export class Editor {
  private readonly input = process.stdin;
  private readonly screen = new Screen(process.stdout);
  private current: Editing | undefined;
  /** Typed ahead, while no statement was asked for. */
  private readonly ahead: (readonly [string | undefined, Key])[] = [];
  private started = false;

  async edit(request: EditRequest): Promise<Outcome> {
    if (!this.started) {
      // Long enough for a sequence over a slow line, short enough for a lone Escape.
      const timing: Partial<Interface> & { escapeCodeTimeout: number } = { escapeCodeTimeout: 50 };
      emitKeypressEvents(this.input, timing as Interface);
      this.input.on('keypress', (text: string | undefined, key: Key) => this.key(text, key));
      this.started = true;
    }
    const editing = new Editing(request, this.input, this.screen, (text, key) => this.key(text, key));
    this.current = editing;
    const outcome = editing.run();
    while (editing.open) {
      const next = this.ahead.shift();
      if (next === undefined) break;
      editing.key(...next);
    }
    return outcome;
  }

  private key(text: string | undefined, key: Key): void {
    const control = controlBehindEscape(key);
    if (control !== undefined) {
      this.key(undefined, { name: 'escape', sequence: '\x1b', meta: true });
      this.key(undefined, control);
      return;
    }
    if (this.current?.open === true) this.current.key(text, key);
    else this.ahead.push([text, key]);
  }
}

/** Escape and then Ctrl-C, so fast that they came as one. */
function controlBehindEscape(key: Key): Key | undefined {
  const { sequence } = key;
  if (key.name !== undefined || sequence?.length !== 2 || sequence[0] !== '\x1b' || sequence[1]! >= ' ')
    return undefined;
  const code = sequence.charCodeAt(1);
  return { name: String.fromCharCode(code + 96), ctrl: true, meta: false, sequence: sequence[1]! };
}

class Editing {
  private readonly buffer = new TextBuffer();
  private readonly request: EditRequest;
  private readonly input: NodeJS.ReadStream;
  private readonly screen: Screen;
  private menu: Menu | undefined;
  private search: HistorySearch | undefined;
  private pasting: string | undefined;
  /** Place in the history; its length: the text that is being typed. */
  private historyAt: number;
  private draft = '';
  private done: ((o: Outcome) => void) | undefined;
  private drawPending = false;
  /** Completions are on their way: keys wait for them. */
  private completing = false;
  private waiting: (readonly [string | undefined, Key])[] = [];

  /** Takes a key for whoever is there for it. */
  private readonly forward: (text: string | undefined, key: Key) => void;

  constructor(
    request: EditRequest,
    input: NodeJS.ReadStream,
    screen: Screen,
    forward: (text: string | undefined, key: Key) => void,
  ) {
    this.forward = forward;
    this.request = request;
    this.input = input;
    this.screen = screen;
    this.historyAt = request.history?.entries().length ?? 0;
    if (request.text !== undefined) this.buffer.set(request.text);
  }

  run(): Promise<Outcome> {
    const onResize = (): void => this.draw();
    // Also when the terminal has gone.
    const onEnd = (): void => this.done?.({ kind: 'end' });
    return new Promise<Outcome>((resolve) => {
      this.done = (outcome) => {
        this.input.off('end', onEnd);
        this.input.off('error', onEnd);
        process.stdout.off('resize', onResize);
        process.off('SIGCONT', onContinue);
        process.stdout.write(PASTE_OFF);
        this.input.setRawMode(false);
        this.input.pause();
        this.done = undefined;
        resolve(outcome);
      };
      const onContinue = (): void => {
        this.input.setRawMode(true);
        process.stdout.write(PASTE_ON);
        this.screen.forget();
        this.draw();
      };
      this.input.on('end', onEnd);
      this.input.on('error', onEnd);
      process.stdout.on('resize', onResize);
      process.on('SIGCONT', onContinue);
      this.input.setRawMode(true);
      this.input.resume();
      process.stdout.write(PASTE_ON);
      this.draw();
    });
  }

  private view(): View {
    const { prompt, promptOf, colors } = this.request;
    if (this.search !== undefined) {
      const found = this.search.match ?? '';
      return {
        prompt: this.search.prompt,
        promptOf: () => '',
        text: found,
        cursor: Math.max(0, this.search.cursor),
        below: [],
        colors,
      };
    }
    return {
      prompt,
      promptOf,
      text: this.buffer.text,
      cursor: this.buffer.cursor,
      below: this.menu?.lines(this.screen.columns, colors) ?? [],
      colors,
    };
  }

  /** Once for all keys that came together. */
  private draw(): void {
    if (this.drawPending) return;
    this.drawPending = true;
    setImmediate(() => {
      this.drawPending = false;
      if (this.done !== undefined) this.screen.draw(this.view());
    });
  }

  private finish(outcome: Outcome): void {
    this.menu = undefined;
    this.search = undefined;
    this.screen.finish(this.view());
    this.done?.(outcome);
  }

  get open(): boolean {
    return this.done !== undefined;
  }

  key(text: string | undefined, key: Key): void {
    if (this.done === undefined) return;
    if (this.completing && !(key.ctrl === true && key.name === 'c')) {
      this.waiting.push([text, key]);
      return;
    }
    if (key.name === 'paste-start') {
      this.pasting = '';
      return;
    }
    if (this.pasting !== undefined) {
      if (key.name === 'paste-end') {
        this.menu = undefined;
        this.buffer.insert(this.pasting.replace(/\r\n?/g, '\n').replace(/\n+$/, ''));
        this.pasting = undefined;
        this.draw();
      } else this.pasting += key.sequence ?? text ?? '';
      return;
    }
    if (this.search !== undefined) this.searchKey(text, key);
    else this.editKey(text, key);
    if (this.done !== undefined) this.draw();
  }

  private searchKey(text: string | undefined, key: Key): void {
    const search = this.search!;
    const control = key.ctrl === true;
    if (control && key.name === 'r') search.next();
    else if (control && (key.name === 'g' || key.name === 'c')) this.search = undefined;
    else if (key.name === 'backspace') search.shorten();
    else if (!control && key.meta !== true && text !== undefined && text >= ' ' && key.name !== 'escape')
      search.lengthen(text);
    else {
      // Any other key takes what was found, and does what it does.
      if (search.match !== undefined) {
        this.buffer.remember();
        this.buffer.set(search.match);
        this.historyAt = search.at;
      }
      this.search = undefined;
      if (key.name !== 'escape') this.editKey(text, key);
    }
  }

  private editKey(text: string | undefined, key: Key): void {
    const { buffer } = this;
    if (this.menu !== undefined && this.menuKey(key)) return;
    this.menu = undefined;
    const name = key.name ?? '';
    const keys = key.ctrl === true ? CONTROL_KEYS : key.meta === true ? META_KEYS : PLAIN_KEYS;
    // Ctrl-_ has no name in some versions of Node.
    const edit = key.sequence === '\x1f' ? CONTROL_KEYS._ : keys[name];
    if (edit !== undefined) edit(buffer);
    else if (key.ctrl === true) this.controlKey(name);
    else if (!this.namedKey(name) && key.meta !== true) {
      const typed = key.sequence ?? text;
      if (typed !== undefined && typed >= ' ' && !typed.startsWith('\x1b')) buffer.insert(typed);
    }
  }

  private namedKey(name: string): boolean {
    const { buffer } = this;
    switch (name) {
      case 'return':
      case 'enter':
        this.enter();
        return true;
      case 'up':
        if (!buffer.up()) this.recall(-1);
        return true;
      case 'down':
        if (!buffer.down()) this.recall(1);
        return true;
      case 'pageup':
        this.recall(-1);
        return true;
      case 'pagedown':
        this.recall(1);
        return true;
      case 'tab':
        void this.complete();
        return true;
      default:
        return name === 'escape';
    }
  }

  private controlKey(name: string): void {
    const { buffer, request } = this;
    switch (name) {
      case 'd':
        if (buffer.text === '') this.done?.({ kind: 'end' });
        else buffer.delete();
        break;
      case 'c':
        this.menu = undefined;
        this.screen.finish(this.view());
        this.done?.({ kind: 'interrupt' });
        break;
      case 'l':
        this.screen.clear();
        break;
      case 'p':
        this.recall(-1);
        break;
      case 'n':
        this.recall(1);
        break;
      case 'j':
        this.enter();
        break;
      case 'r':
        if (request.history !== undefined) this.search = new HistorySearch(request.history.entries());
        break;
      case 'z':
        this.suspend();
        break;
      case 'i':
        void this.complete();
    }
  }

  private suspend(): void {
    process.stdout.write(PASTE_OFF);
    this.input.setRawMode(false);
    process.kill(process.pid, 'SIGTSTP');
  }

  private enter(): void {
    const { buffer, request } = this;
    if (request.complete(buffer.text)) this.finish({ kind: 'text', text: buffer.text });
    else buffer.insert('\n');
  }

  private recall(by: -1 | 1): void {
    const entries = this.request.history?.entries() ?? [];
    const to = this.historyAt + by;
    if (to < 0 || to > entries.length) return;
    if (this.historyAt === entries.length) this.draft = this.buffer.text;
    this.historyAt = to;
    this.buffer.remember();
    this.buffer.set(to === entries.length ? this.draft : entries[to]!);
  }

  /** True when the key was the menu's. */
  private menuKey(key: Key): boolean {
    const menu = this.menu!;
    const { columns } = this.screen;
    switch (key.name) {
      case 'tab':
        menu.move(key.shift === true ? -1 : 1);
        break;
      case 'right':
        menu.move(1);
        break;
      case 'left':
        menu.move(-1);
        break;
      case 'down':
        menu.moveRow(1, columns);
        break;
      case 'up':
        menu.moveRow(-1, columns);
        break;
      case 'return':
      case 'enter':
        if (menu.selected < 0) return false;
        this.take(menu, menu.candidates[menu.selected]!, true);
        this.menu = undefined;
        return true;
      case 'escape':
        this.buffer.replaceBack(menu.from, menu.typed);
        this.menu = undefined;
        return true;
      default:
        return false;
    }
    this.take(menu, menu.candidates[menu.selected]!, false);
    return true;
  }

  private take(menu: Menu, candidate: Candidate, final: boolean): void {
    this.buffer.replaceBack(menu.from, final ? candidate.text + candidate.suffix : candidate.text);
  }

  private async complete(): Promise<void> {
    const { buffer, request } = this;
    if (request.completions === undefined) {
      buffer.insert('\t');
      return;
    }
    this.completing = true;
    const completion = await request.completions(buffer.text, buffer.cursor).catch(() => undefined);
    this.completing = false;
    if (this.done === undefined) return;
    if (completion !== undefined) this.offer(completion);
    const keys = this.waiting;
    this.waiting = [];
    // One of them may ask for completions again, or end this: the rest waits on, or is the next one's.
    for (const [text, key] of keys) this.forward(text, key);
    this.draw();
  }

  private offer({ candidates, from }: Completion): void {
    const { buffer } = this;
    const [only] = candidates;
    if (only === undefined) return;
    if (candidates.length === 1) {
      buffer.replaceBack(from, only.text + only.suffix);
      return;
    }
    const typed = buffer.text.slice(from, buffer.cursor);
    const common = commonPrefix(candidates.map((c) => c.text));
    if (common.length > typed.length) buffer.replaceBack(from, common);
    this.menu = new Menu(candidates, from, buffer.text.slice(from, buffer.cursor));
  }
}

/** Letters that all have in common, whatever their case; in the first one's case. */
function commonPrefix(texts: readonly string[]): string {
  const [first = '', ...others] = texts;
  let n = first.length;
  for (const t of others) {
    let i = 0;
    while (i < n && i < t.length && t[i]!.toLowerCase() === first[i]!.toLowerCase()) i++;
    n = i;
  }
  return first.slice(0, n);
}

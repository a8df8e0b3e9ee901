/** Keys that edit the text and nothing else, by their names: Emacs' and readline's. */
import type { TextBuffer } from './text-buffer.js';

type Edit = (buffer: TextBuffer) => void;

type Keys = Readonly<Record<string, Edit | undefined>>;

export const PLAIN_KEYS: Keys = {
  backspace: (b) => b.backspace(),
  delete: (b) => b.delete(),
  left: (b) => b.left(),
  right: (b) => b.right(),
  home: (b) => b.home(),
  end: (b) => b.end(),
};

export const CONTROL_KEYS: Keys = {
  a: (b) => b.home(),
  e: (b) => b.end(),
  b: (b) => b.left(),
  f: (b) => b.right(),
  left: (b) => b.wordLeft(),
  right: (b) => b.wordRight(),
  h: (b) => b.backspace(),
  k: (b) => b.killToEnd(),
  u: (b) => b.killToStart(),
  w: (b) => b.killWordLeft(true),
  y: (b) => b.yank(),
  t: (b) => b.transpose(),
  o: (b) => b.insert('\n'),
  _: (b) => b.undo(),
  '-': (b) => b.undo(),
};

/** With Alt, or behind Escape. */
export const META_KEYS: Keys = {
  return: (b) => b.insert('\n'),
  enter: (b) => b.insert('\n'),
  backspace: (b) => b.killWordLeft(false),
  left: (b) => b.wordLeft(),
  right: (b) => b.wordRight(),
  b: (b) => b.wordLeft(),
  f: (b) => b.wordRight(),
  d: (b) => b.killWordRight(),
};

/** A text that is searched, as colours, one for each character; places are counted in characters, not in UTF-16 units. */
import { checkInterrupts } from '../../interrupt.js';
import type { CharSets } from './char-sets.js';

const STEPS = 0xffff;

export class Subject {
  readonly text: string;
  readonly colours: Uint16Array;
  readonly length: number;
  /** Where characters begin in `text`; undefined when each is one unit. */
  private readonly offsets: Uint32Array | undefined;

  constructor(text: string, sets: CharSets) {
    this.text = text;
    const colours = new Uint16Array(text.length);
    let offsets: Uint32Array | undefined;
    let n = 0;
    for (let i = 0; i < text.length; i++) {
      if ((i & STEPS) === STEPS) checkInterrupts();
      let code = text.charCodeAt(i);
      const at = i;
      if (code >= 0xd800 && code < 0xdc00) {
        offsets ??= Uint32Array.from({ length: text.length + 1 }, (_, k) => k);
        code = text.codePointAt(i) ?? code;
        if (code > 0xffff) i++;
      }
      if (offsets !== undefined) offsets[n] = at;
      colours[n++] = sets.colourOf(code);
    }
    if (offsets !== undefined) offsets[n] = text.length;
    this.colours = colours;
    this.length = n;
    this.offsets = offsets;
  }

  /** The UTF-16 offset of a place. */
  offset(place: number): number {
    return this.offsets?.[place] ?? place;
  }

  /** The place at a UTF-16 offset. */
  place(offset: number): number {
    const { offsets } = this;
    if (offsets === undefined) return offset;
    let [low, high] = [0, this.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (offsets[middle]! < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  slice(from: number, to: number): string {
    return this.text.slice(this.offset(from), this.offset(to));
  }
}

/** A regular expression as a nondeterministic automaton: states in one array, Thompson's construction.
 *
 *  Bounded repetitions are copies; more states than `STATES_MAX` are refused as PostgreSQL refuses them (2201B). */
import { checkInterrupts } from '../../interrupt.js';
import type { Assertion, Syntax } from './syntax.js';
import { invalid } from './syntax.js';

export type State =
  | { readonly kind: 'set'; readonly set: number; next: number }
  | { readonly kind: 'fork'; readonly next: number[] }
  | { readonly kind: 'assert'; readonly what: Assertion; next: number }
  | { readonly kind: 'look'; readonly look: number; next: number }
  | { readonly kind: 'end' };

/** What must (not) stand before or after a place. */
export type Look = { readonly ahead: boolean; readonly negated: boolean; readonly item: Syntax };

export type Program = {
  readonly states: readonly State[];
  readonly start: number;
  readonly looks: readonly Look[];
  /** What surrounds a place matters. */
  readonly asserts: boolean;
};

const STATES_MAX = 100_000;
/** Their outcomes at a place are bits of one number. */
const LOOKS_MAX = 30;

/** `anywhere`: preceded by any characters, which set `any` has. */
export function compile(syntax: Syntax, any: number, anywhere: boolean): Program {
  const b = new Builder();
  const end = b.add({ kind: 'end' });
  let start = b.compile(syntax, end);
  if (anywhere) {
    const loop = b.add({ kind: 'fork', next: [start] });
    const skip = b.add({ kind: 'set', set: any, next: loop });
    b.link(loop, skip);
    start = loop;
  }
  return { states: b.states, start, looks: b.looks, asserts: b.asserts };
}

class Builder {
  readonly states: State[] = [];
  readonly looks: Look[] = [];
  asserts = false;

  add(s: State): number {
    if (this.states.length >= STATES_MAX) throw invalid('regular expression is too complex');
    if ((this.states.length & 0xfff) === 0) checkInterrupts();
    return this.states.push(s) - 1;
  }

  link(fork: number, to: number): void {
    const s = this.states[fork];
    if (s?.kind === 'fork') s.next.push(to);
  }

  /** The first state of the expression that goes on to `next`. */
  compile(s: Syntax, next: number): number {
    switch (s.kind) {
      case 'set':
        return this.add({ kind: 'set', set: s.set, next });
      case 'concat':
        return s.items.reduceRight((to, item) => this.compile(item, to), next);
      case 'alt':
        return this.add({ kind: 'fork', next: s.items.map((i) => this.compile(i, next)) });
      case 'repeat':
        return this.repeat(s.item, s.min, s.max, next);
      case 'assert':
        this.asserts = true;
        return this.add({ kind: 'assert', what: s.what, next });
      case 'look':
        if (this.looks.length >= LOOKS_MAX) throw invalid('regular expression is too complex');
        return this.add({ kind: 'look', look: this.looks.push(s) - 1, next });
    }
  }

  private repeat(item: Syntax, min: number, max: number, next: number): number {
    let to = next;
    if (max === Infinity) {
      const loop = this.add({ kind: 'fork', next: [next] });
      this.link(loop, this.compile(item, loop));
      to = loop;
    } else
      for (let i = min; i < max; i++) to = this.add({ kind: 'fork', next: [this.compile(item, to), next] });
    for (let i = 0; i < min; i++) to = this.compile(item, to);
    return to;
  }
}

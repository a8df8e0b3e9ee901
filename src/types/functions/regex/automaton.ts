/** A deterministic automaton that is made as it runs: its states are sets of states of a program.
 *
 *  A set holds the states before their empty transitions, since an assertion on these may look at the character before
 *  and after; the next colour therefore decides whether a set accepts. Time is linear in the text for a given
 *  expression; every few thousand steps it asks whether it shall end. What looks further than one character is found by
 *  automata of its own, at each place once. Source: Thompson 1968; PostgreSQL's rege_dfa.c. */
import { checkInterrupts } from '../../interrupt.js';
import { type CharSets, COLOURS_MAX } from './char-sets.js';
import { compile, type Look, type Program } from './program.js';
import type { Subject } from './subject.js';
import type { Assertion, Syntax } from './syntax.js';

/** Numbers of the sets that automata need beside those of the expression. */
export type BuiltIn = { readonly any: number; readonly newline: number; readonly word: number };
export type Environment = {
  readonly sets: CharSets;
  readonly builtIn: BuiltIn;
  /** ^ and $ match at line breaks. */
  readonly lines: boolean;
};

/** What stands before a place, or after it, as far as assertions ask. */
const TEXT_EDGE = 1;
const LINE_BREAK = 2;
const WORD = 4;

type Step = { readonly accepts: boolean; readonly next: Node | undefined };
type Node = {
  readonly kernel: readonly number[];
  readonly before: number;
  /** By colour, 0 being the end of the text; with looks, by outcome times colours. */
  readonly steps: (Step | undefined)[];
  readonly isStart: boolean;
  /** Looks that empty transitions from here may ask for. */
  readonly looks: readonly number[];
};

const NODES_MAX = 4000;
const STEPS = 0xfff;
export class Automaton {
  private readonly env: Environment;
  private readonly program: Program;
  private nodes = new Map<string, Node>();
  private readonly looks: readonly LookAt[];
  private steps = 0;
  /** Of a text's beginning. */
  private first: Node | undefined;
  private readonly mark: Uint8Array;

  constructor(syntax: Syntax, env: Environment, anywhere = false) {
    this.env = env;
    this.program = compile(syntax, env.builtIn.any, anywhere);
    this.looks = this.program.looks.map((l) => new LookAt(l, env));
    this.mark = new Uint8Array(this.program.states.length);
  }

  /** The last place up to `to` where a match from `from` ends; -1 for none. */
  longest(s: Subject, from: number, to: number): number {
    let last = -1;
    this.run(s, from, to, (place) => {
      last = place;
      return false;
    });
    return last;
  }

  /** The first place from `least` to `to` where a match from `from` ends; -1 for none. */
  shortest(s: Subject, from: number, least: number, to: number): number {
    return this.run(s, from, to, (place) => place >= least).place;
  }

  /** As `shortest`, with the last place before its end where nothing had begun to match: no match begins before. */
  search(s: Subject, from: number): { readonly place: number; readonly cold: number } {
    return this.run(s, from, s.length, () => true);
  }

  /** Whether a match begins with the text; undefined when that asks for more than one unit at a time: characters of
   *  two, or looks. The short way, without an array of colours. */
  matches(text: string): boolean | undefined {
    if (this.looks.length > 0) return undefined;
    const { sets } = this.env;
    this.first ??= this.node([this.program.start], TEXT_EDGE, true);
    let node = this.first;
    for (let i = 0; ; i++) {
      if ((i & STEPS) === STEPS) checkInterrupts();
      let colour = 0;
      if (i < text.length) {
        const code = text.charCodeAt(i);
        if (code >= 0xd800 && code < 0xe000) return undefined;
        colour = sets.colourOf(code) + 1;
      }
      const step = node.steps[colour] ?? this.newStep(node, colour);
      if (step.accepts) return true;
      if (step.next === undefined) return false;
      node = step.next;
    }
  }

  /** Marks with 2 each place where a match from the text's beginning ends. */
  everyEnd(s: Subject, into: Uint8Array): void {
    this.run(s, 0, s.length, (place) => {
      into[place] = 2;
      return false;
    });
  }

  /** Calls `accepts` for each place where a match ends until it says true; that place, or -1. */
  private run(
    s: Subject,
    from: number,
    to: number,
    accepts: (place: number) => boolean,
  ): { readonly place: number; readonly cold: number } {
    const { colours, length } = s;
    let cold = from;
    let node: Node | undefined = this.node([this.program.start], this.contextAt(s, from - 1), true);
    for (let place = from; node !== undefined; place++) {
      if ((++this.steps & STEPS) === 0) checkInterrupts();
      if (node.isStart) cold = place;
      const colour = place < length ? colours[place]! + 1 : 0;
      const step: Step =
        node.looks.length === 0
          ? (node.steps[colour] ?? this.newStep(node, colour))
          : this.lookingStep(node, colour, s, place);
      if (step.accepts && accepts(place)) return { place, cold };
      if (place >= to) break;
      node = step.next;
    }
    return { place: -1, cold };
  }

  private newStep(node: Node, colour: number): Step {
    const step = this.step(node, colour, undefined);
    node.steps[colour] = step;
    return step;
  }

  private lookingStep(node: Node, colour: number, s: Subject, place: number): Step {
    let outcome = 0;
    for (const [i, l] of node.looks.entries()) if (this.looks[l]!.holds(s, place)) outcome |= 1 << i;
    const key = outcome * COLOURS_MAX + colour;
    const known = node.steps[key];
    if (known !== undefined) return known;
    const step = this.step(node, colour, (l) => (outcome & (1 << node.looks.indexOf(l))) !== 0);
    node.steps[key] = step;
    return step;
  }

  private step(node: Node, colour: number, look: ((l: number) => boolean) | undefined): Step {
    const after = colour === 0 ? TEXT_EDGE : this.contextOf(colour - 1);
    const next: number[] = [];
    let accepts = false;
    this.closure(node.kernel, (state) => {
      const s = this.program.states[state]!;
      switch (s.kind) {
        case 'fork':
          return s.next;
        case 'assert':
          return this.holds(s.what, node.before, after) ? [s.next] : [];
        case 'look':
          return look?.(s.look) === true ? [s.next] : [];
        case 'set':
          if (colour > 0 && this.env.sets.has(s.set, colour - 1)) next.push(s.next);
          return [];
        case 'end':
          accepts = true;
          return [];
      }
    });
    return { accepts, next: next.length === 0 ? undefined : this.node(next, after, false) };
  }

  /** Visits the states that empty transitions reach, each once; `visit` says which follow. */
  private closure(from: readonly number[], visit: (state: number) => readonly number[]): void {
    const { mark } = this;
    const seen: number[] = [];
    const waiting = [...from].reverse();
    for (let state = waiting.pop(); state !== undefined; state = waiting.pop()) {
      if (mark[state] === 1) continue;
      mark[state] = 1;
      seen.push(state);
      if ((++this.steps & STEPS) === 0) {
        try {
          checkInterrupts();
        } catch (e) {
          for (const x of seen) mark[x] = 0;
          throw e;
        }
      }
      const next = visit(state);
      for (let i = next.length - 1; i >= 0; i--) waiting.push(next[i]!);
    }
    for (const state of seen) mark[state] = 0;
  }

  private node(states: readonly number[], context: number, isStart: boolean): Node {
    const kernel = [...new Set(states)].sort((a, b) => a - b);
    const before = this.program.asserts ? context : 0;
    const start = isStart || (kernel.length === 1 && kernel[0] === this.program.start);
    const key = `${before}:${kernel.join()}`;
    let node = this.nodes.get(key);
    if (node === undefined) {
      const looks: number[] = [];
      if (this.looks.length > 0)
        this.closure(kernel, (state) => {
          const s = this.program.states[state]!;
          if (s.kind === 'fork') return s.next;
          if (s.kind === 'look') looks.push(s.look);
          return s.kind === 'look' || s.kind === 'assert' ? [s.next] : [];
        });
      node = { kernel, before, steps: [], isStart: start, looks: [...new Set(looks)] };
      // Sets that the text will not ask for again may go; nodes in use hold each other.
      if (this.nodes.size >= NODES_MAX) this.nodes = new Map();
      this.nodes.set(key, node);
    }
    return node;
  }

  private contextAt(s: Subject, place: number): number {
    return place < 0 ? TEXT_EDGE : this.contextOf(s.colours[place]!);
  }

  private contextOf(colour: number): number {
    const { sets, builtIn } = this.env;
    return (sets.has(builtIn.newline, colour) ? LINE_BREAK : 0) | (sets.has(builtIn.word, colour) ? WORD : 0);
  }

  private holds(what: Assertion, before: number, after: number): boolean {
    const edge = this.env.lines ? TEXT_EDGE | LINE_BREAK : TEXT_EDGE;
    const [wordBefore, wordAfter] = [(before & WORD) !== 0, (after & WORD) !== 0];
    switch (what) {
      case 'lineStart':
        return (before & edge) !== 0;
      case 'lineEnd':
        return (after & edge) !== 0;
      case 'textStart':
        return (before & TEXT_EDGE) !== 0;
      case 'textEnd':
        return (after & TEXT_EDGE) !== 0;
      case 'wordStart':
        return !wordBefore && wordAfter;
      case 'wordEnd':
        return wordBefore && !wordAfter;
      case 'wordEdge':
        return wordBefore !== wordAfter;
      case 'noWordEdge':
        return wordBefore === wordAfter;
    }
  }
}

/** Whether something stands after or before places of one text; what was found is remembered. */
class LookAt {
  private readonly ahead: boolean;
  private readonly negated: boolean;
  private readonly automaton: Automaton;
  private subject: Subject | undefined;
  private known: Uint8Array = new Uint8Array(0);

  constructor(look: Look, env: Environment) {
    this.ahead = look.ahead;
    this.negated = look.negated;
    this.automaton = new Automaton(look.item, env, !look.ahead);
  }

  holds(s: Subject, place: number): boolean {
    if (this.subject !== s) {
      this.subject = s;
      this.known = new Uint8Array(s.length + 1);
      // All places where what must stand before ends, in one run.
      if (!this.ahead) this.automaton.everyEnd(s, this.known);
    }
    if (this.known[place] === 0 && this.ahead)
      this.known[place] = this.automaton.shortest(s, place, place, s.length) < 0 ? 1 : 2;
    return (this.known[place] === 2) !== this.negated;
  }
}

/** Searching a text: the leftmost match, the longest or shortest as the expression prefers, and how it is divided among
 *  groups.
 *
 *  The bounds of the whole come from automata alone, unless there are back references. Then, and for groups, parts are
 *  divided from left to right, each as long (short) as it prefers and the rest allows. Source: PostgreSQL's regexec.c
 *  (find, cfindloop, cdissect). Back references make the time exponential, as there; it can be interrupted. */
import { checkInterrupts } from '../../interrupt.js';
import { Automaton, type Environment } from './automaton.js';
import { type CharSets, casesOf } from './char-sets.js';
import type { Subject } from './subject.js';
import { type Part, REFERS, SHORTER, type Syntax } from './syntax.js';

/** Two places for each group; the first is the whole. -1: no part in the match. */
export type Bounds = Int32Array;

export class Matcher {
  private readonly root: Part;
  private readonly groups: number;
  private readonly env: Environment;
  private readonly ignoreCase: boolean;
  private readonly automata = new Map<Part, Automaton>();
  private readonly anywhere: Automaton;
  /** Matches begin where the text does. */
  private readonly anchored: boolean;
  /** A string that is in every match: most texts that do not match are told by it. */
  private readonly required: string;

  constructor(root: Part, groups: number, env: Environment, ignoreCase: boolean) {
    this.root = root;
    this.groups = groups;
    this.env = env;
    this.ignoreCase = ignoreCase;
    this.anywhere = new Automaton(root.syntax, env, true);
    this.required = requiredText(root.syntax, env.sets);
    this.anchored = isAnchored(root.syntax, env.lines);
  }

  private of(p: Part): Automaton {
    let a = this.automata.get(p);
    if (a === undefined) {
      a = new Automaton(p.syntax, this.env);
      this.automata.set(p, a);
    }
    return a;
  }

  /** `test`, where it can do without a `Subject`. */
  testText(text: string): boolean | undefined {
    if (!text.includes(this.required)) return false;
    if ((this.root.flags & REFERS) !== 0) return undefined;
    return (this.anchored ? this.of(this.root) : this.anywhere).matches(text);
  }

  test(s: Subject): boolean {
    return (this.root.flags & REFERS) === 0
      ? this.anywhere.search(s, 0).place >= 0
      : this.find(s, 0) !== undefined;
  }

  /** The first match that begins at `from` or later. */
  find(s: Subject, from: number): Bounds | undefined {
    const refers = (this.root.flags & REFERS) !== 0;
    const short = (this.root.flags & SHORTER) !== 0;
    if ((this.anchored && from > 0) || !s.text.includes(this.required, s.offset(from))) return undefined;
    const { place: close, cold } = this.anchored ? { place: 0, cold: 0 } : this.anywhere.search(s, from);
    if (close < 0) return undefined;
    const whole = this.of(this.root);
    const bounds: Bounds = new Int32Array(2 * (this.groups + 1));
    // Without references some match begins before the first one ends.
    const last = refers && !this.anchored ? s.length : close;
    for (let begin = cold; begin <= last; begin++) {
      let [least, most] = [begin, s.length];
      for (;;) {
        const end = short ? whole.shortest(s, begin, least, most) : whole.longest(s, begin, most);
        if (end < 0) break;
        bounds.fill(-1);
        const dissected =
          this.groups === 0 && !refers ? true : this.dissect(this.root, s, begin, end, bounds);
        if (dissected) {
          bounds[0] = begin;
          bounds[1] = end;
          return bounds;
        }
        if (short) least = end + 1;
        else most = end - 1;
        if (least > s.length || most < begin) break;
      }
    }
    return undefined;
  }

  private dissect(p: Part, s: Subject, begin: number, end: number, bounds: Bounds): boolean {
    checkInterrupts();
    if (!this.divided(p, s, begin, end, bounds)) return false;
    if (p.group > 0) {
      bounds[2 * p.group] = begin;
      bounds[2 * p.group + 1] = end;
    }
    return true;
  }

  private divided(p: Part, s: Subject, begin: number, end: number, bounds: Bounds): boolean {
    switch (p.op) {
      case 'plain':
        return true;
      case 'wrap':
        return this.dissect(p.children[0]!, s, begin, end, bounds);
      case 'alt':
        return p.children.some(
          (c) => this.of(c).longest(s, begin, end) === end && this.dissect(c, s, begin, end, bounds),
        );
      case 'concat':
        return this.concat(p, s, begin, end, bounds);
      case 'iterate':
        return this.iterate(p, s, begin, end, bounds);
      case 'backref':
        return this.backReference(p, s, begin, end, bounds);
    }
  }

  private concat(p: Part, s: Subject, begin: number, end: number, bounds: Bounds): boolean {
    const [left, right] = [p.children[0]!, p.children[1]!];
    const [l, r] = [this.of(left), this.of(right)];
    const short = (left.flags & SHORTER) !== 0;
    let middle = short ? l.shortest(s, begin, begin, end) : l.longest(s, begin, end);
    while (middle >= 0) {
      if (
        r.longest(s, middle, end) === end &&
        this.dissect(left, s, begin, middle, bounds) &&
        this.dissect(right, s, middle, end, bounds)
      )
        return true;
      forget(left, bounds);
      forget(right, bounds);
      if (short) middle = middle < end ? l.shortest(s, begin, middle + 1, end) : -1;
      else middle = middle > begin ? l.longest(s, begin, middle - 1) : -1;
    }
    return false;
  }

  /** The ends of repetitions that the item's automaton allows; then each is divided, and where one cannot be, an earlier
   *  end is tried. Empty repetitions only where there are too few others. */
  private iterate(p: Part, s: Subject, begin: number, end: number, bounds: Bounds): boolean {
    const item = p.children[0]!;
    const automaton = this.of(item);
    if (begin === end) {
      if (p.min === 0 && (item.flags & SHORTER) !== 0) return true;
      // An empty repetition, if there is one, rather than none.
      if (automaton.longest(s, begin, end) === end && this.dissect(item, s, begin, end, bounds)) return true;
      forget(item, bounds);
      return p.min === 0;
    }
    const most = Math.max(p.min, Math.min(p.max, end - begin));
    const short = (item.flags & SHORTER) !== 0;
    const ends: number[] = [begin];
    /** Of the k-th end: the least place to try when short, else the greatest. */
    const limits: number[] = [begin, short ? begin : end];
    const another = (k: number): void => {
      if (k > 0) limits[k] = ends[k]! + (short ? 1 : -1);
    };
    let verified = 0;
    for (let k = 1; k > 0; ) {
      const from = ends[k - 1]!;
      if (short && limits[k] === from && !(k < p.min && p.min - k >= end - from)) limits[k] = from + 1;
      // The last one reaches to the end.
      if (short && k >= most) limits[k] = Math.max(limits[k]!, end);
      const limit = limits[k]!;
      let to = -1;
      if (short ? limit <= end : limit >= from)
        to = short ? automaton.shortest(s, from, limit, end) : automaton.longest(s, from, limit);
      if (to === from && !(k < p.min && p.min - k >= end - from)) to = -1;
      if (to < 0) {
        another(--k);
        continue;
      }
      ends[k] = to;
      verified = Math.min(verified, k - 1);
      if (to < end && k < most) {
        k++;
        limits[k] = short ? to : end;
        continue;
      }
      if (to < end || k < p.min) {
        another(k);
        continue;
      }
      let i = verified + 1;
      for (; i <= k; i++) {
        forget(item, bounds);
        if (!this.dissect(item, s, ends[i - 1]!, ends[i]!, bounds)) break;
        verified = i;
      }
      if (i > k) return true;
      k = i;
      another(k);
    }
    return false;
  }

  private backReference(p: Part, s: Subject, begin: number, end: number, bounds: Bounds): boolean {
    const from = bounds[2 * p.refersTo]!;
    const to = bounds[2 * p.refersTo + 1]!;
    if (from < 0) return false;
    const width = to - from;
    if (width === 0) return begin === end;
    if (begin === end) return p.min === 0;
    const times = (end - begin) / width;
    if (!Number.isInteger(times) || times < p.min || times > p.max) return false;
    const wanted = s.slice(from, to);
    for (let at = begin; at < end; at += width) {
      const found = s.slice(at, at + width);
      if (found !== wanted && !(this.ignoreCase && sameLetters(found, wanted))) return false;
    }
    return true;
  }
}

function isAnchored(s: Syntax, lines: boolean): boolean {
  switch (s.kind) {
    case 'assert':
      return s.what === 'textStart' || (s.what === 'lineStart' && !lines);
    case 'concat':
      return s.items[0] !== undefined && isAnchored(s.items[0], lines);
    case 'alt':
      return s.items.every((i) => isAnchored(i, lines));
    default:
      return false;
  }
}

/** The longest run of single characters that every match has. */
function requiredText(s: Syntax, sets: CharSets): string {
  let best = '';
  let run = '';
  const end = (): void => {
    if (run.length > best.length) best = run;
    run = '';
  };
  const visit = (x: Syntax): void => {
    const c = x.kind === 'set' ? sets.single(x.set) : undefined;
    if (c !== undefined) run += c;
    else if (x.kind === 'concat') x.items.forEach(visit);
    else if (x.kind !== 'assert' && x.kind !== 'look') {
      end();
      if (x.kind === 'repeat' && x.min > 0) {
        visit(x.item);
        end();
      }
    }
  };
  visit(s);
  end();
  return best;
}

function sameLetters(a: string, b: string): boolean {
  const [x, y] = [[...a], [...b]];
  return x.every((c, i) => casesOf(c.codePointAt(0)!).includes(y[i]!.codePointAt(0)!));
}

function forget(p: Part, bounds: Bounds): void {
  if (p.group > 0) bounds.fill(-1, 2 * p.group, 2 * p.group + 2);
  for (const c of p.children) forget(c, bounds);
}

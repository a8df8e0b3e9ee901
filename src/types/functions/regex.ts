/** PostgreSQL's regular expressions, compiled and kept.
 *
 *  Owns: the cache, and matches in terms of JavaScript's strings. Every expression is matched in time linear in the text
 *  but for groups and back references, and can be interrupted (`interrupt.ts`). */
import type { Environment } from './regex/automaton.js';
import type { CharSets } from './regex/char-sets.js';
import { ANY, NEWLINE, WORD } from './regex/char-sets.js';
import { Matcher } from './regex/match.js';
import { parseRegex, parseRegexFlags } from './regex/parse.js';
import { Subject } from './regex/subject.js';

export { parseRegexFlags } from './regex/parse.js';

/** Offsets are of UTF-16 units. */
export type RegexMatch = {
  readonly index: number;
  readonly end: number;
  readonly text: string;
  /** Undefined: not part of the match. */
  readonly groups: readonly (string | undefined)[];
};

export class Regex {
  private readonly matcher: Matcher;
  private readonly sets: CharSets;
  /** Of the last text: functions that look for all matches ask again. */
  private last: Subject | undefined;

  constructor(pattern: string, flagText: string) {
    const { root, sets, groups, flags } = parseRegex(pattern, parseRegexFlags(flagText));
    const env: Environment = {
      sets,
      builtIn: { any: sets.add(ANY), newline: sets.add(NEWLINE), word: sets.add(WORD) },
      lines: flags.newline === 'sensitive' || flags.newline === 'weird',
    };
    this.sets = sets;
    this.matcher = new Matcher(root, groups, env, flags.ignoreCase);
  }

  private subject(text: string): Subject {
    if (this.last?.text !== text) this.last = new Subject(text, this.sets);
    return this.last;
  }

  test(text: string): boolean {
    return this.matcher.testText(text) ?? this.matcher.test(this.subject(text));
  }

  /** The leftmost match at or after the offset; of those the one that the expression prefers. */
  exec(text: string, from = 0): RegexMatch | undefined {
    const s = this.subject(text);
    const bounds = this.matcher.find(s, s.place(from));
    if (bounds === undefined) return undefined;
    const groups: (string | undefined)[] = [];
    for (let g = 2; g < bounds.length; g += 2)
      groups.push(bounds[g]! < 0 ? undefined : s.slice(bounds[g]!, bounds[g + 1]!));
    const [index, end] = [s.offset(bounds[0]!), s.offset(bounds[1]!)];
    return { index, end, text: text.slice(index, end), groups };
  }
}

const KEPT_MAX = 200;
const kept = new Map<string, Regex>();

/** 2201B when the expression is malformed. Flags as in regexp_replace. */
export function compileRegex(pattern: string, flagText = ''): Regex {
  const key = `${flagText}\0${pattern}`;
  let regex = kept.get(key);
  if (regex === undefined) {
    regex = new Regex(pattern, flagText);
    if (kept.size >= KEPT_MAX) kept.clear();
    kept.set(key, regex);
  }
  return regex;
}

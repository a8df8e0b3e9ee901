/**
 * The word lists of `dists.dss`: what the generator picks names, types and comment words from.
 * Source: TPC-H specification 4.2.2.13 and 4.2.3; the format is described at the top of the file.
 */
import { readDataFile } from './data-files.js';

/** A word list. A pick draws an index below `picks.length`; `picks` holds each word's ordinal `weight` times. */
export type Distribution = {
  readonly words: readonly string[];
  /** As the file gives them. `nations` has steps between region keys here, not frequencies. */
  readonly weights: readonly number[];
  readonly picks: Uint8Array;
};

export type DistributionName =
  | 'p_cntr'
  | 'instruct'
  | 'msegmnt'
  | 'nations'
  | 'regions'
  | 'o_oprio'
  | 'rflag'
  | 'smode'
  | 'p_types'
  | 'colors'
  | 'nouns'
  | 'verbs'
  | 'adverbs'
  | 'articles'
  | 'prepositions'
  | 'auxillaries'
  | 'terminators'
  | 'adjectives'
  | 'grammar'
  | 'np'
  | 'vp';

let cache: ReadonlyMap<string, Distribution> | undefined;

export function distribution(name: DistributionName): Distribution {
  cache ??= parseDistributions(readDataFile('dists.dss'));
  const found = cache.get(name);
  if (found === undefined) throw new Error(`dists.dss has no distribution ${name}`);
  return found;
}

export function parseDistributions(text: string): ReadonlyMap<string, Distribution> {
  const result = new Map<string, Distribution>();
  let name: string | undefined;
  let count = 0;
  let words: string[] = [];
  let weights: number[] = [];
  for (const line of text.split('\n')) {
    if (line.startsWith('#') || line.trim() === '') continue;
    const begin = /^begin\s+(\S+)/i.exec(line);
    if (begin !== null) {
      name = begin[1];
      words = [];
      weights = [];
    } else if (/^end\s/i.test(line)) {
      // The name after END is not checked: the standard's own file misspells one.
      if (name === undefined || words.length !== count)
        throw new Error(`dists.dss: bad distribution ${name}`);
      result.set(name, { words, weights, picks: repeatByWeight(weights) });
      name = undefined;
    } else {
      const [word, weight] = line.split('|');
      if (word.toLowerCase() === 'count') {
        count = Number(weight);
      } else {
        words.push(word);
        weights.push(Number(weight));
      }
    }
  }
  return result;
}

function repeatByWeight(weights: readonly number[]): Uint8Array {
  return Uint8Array.from(weights.flatMap((weight, word) => Array<number>(Math.max(weight, 0)).fill(word)));
}

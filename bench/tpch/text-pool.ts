/**
 * The 300 MiB of pseudo-text that every comment is a slice of (TPC-H specification 4.2.2.10, 4.2.2.14):
 * sentences drawn from the grammar in `dists.dss` by one random stream, written one after the other.
 * It is the same for every scale factor. `SEGMENTS` says where, and in what state of the stream, sentences
 * start along the way, so that several threads can each write a part of it; each part checks that it ends
 * exactly where the next begins.
 */
import { type Distribution, distribution } from './distributions.js';
import { RowRandom } from './random.js';
import { RowBuffer, type WordTable, wordTable } from './row-buffer.js';

export const TEXT_POOL_BYTES = 300 * 1024 * 1024;
/** Copies read in steps of eight bytes. */
const SLACK_BYTES = 8;
const SENTENCE_BYTES_MAX = 256;
const BLOCK_BYTES = 256 * 1024;

type Segment = { readonly offset: number; readonly seed: number };

/** The first sentence that starts at or after each eighth of the pool. */
const SEGMENTS: readonly Segment[] = [
  { offset: 0, seed: 933588178 },
  { offset: 39321619, seed: 374858592 },
  { offset: 78643223, seed: 123793686 },
  { offset: 117964817, seed: 1062410537 },
  { offset: 157286442, seed: 400078567 },
  { offset: 196608019, seed: 1105413057 },
  { offset: 235929648, seed: 1407925218 },
  { offset: 275251227, seed: 42055684 },
];
export const TEXT_POOL_SEGMENTS = SEGMENTS.length;

/** The pool's bytes, in shared memory: hand `buffer` to a worker and wrap it there with `textPoolOver`. */
export type TextPool = {
  readonly buffer: SharedArrayBuffer;
  readonly view: DataView;
};

export function textPoolOver(buffer: SharedArrayBuffer): TextPool {
  return { buffer, view: new DataView(buffer) };
}

export function emptyTextPool(): TextPool {
  return textPoolOver(new SharedArrayBuffer(TEXT_POOL_BYTES + SLACK_BYTES));
}

let shared: TextPool | undefined;

/** This process's pool, written at the first call (one to two seconds of one thread). */
export function textPool(): TextPool {
  if (shared === undefined) {
    const pool = emptyTextPool();
    for (let segment = 0; segment < SEGMENTS.length; segment++) writeTextPoolSegment(pool, segment);
    shared = pool;
  }
  return shared;
}

/** For one that several threads have written. */
export function adoptTextPool(pool: TextPool): void {
  shared = pool;
}

/** Writes one of the `TEXT_POOL_SEGMENTS` parts. */
export function writeTextPoolSegment(pool: TextPool, segment: number): void {
  const { offset, seed } = SEGMENTS[segment];
  const next = SEGMENTS[segment + 1];
  const end = next?.offset ?? TEXT_POOL_BYTES;
  const random = new RowRandom(seed);
  const grammar = compileGrammar();
  const target = new Uint8Array(pool.buffer);
  // Sentences go to a private block first: a word's copy may write past its end, into another thread's part.
  const block = new RowBuffer(BLOCK_BYTES, SENTENCE_BYTES_MAX);
  let at = offset;
  while (at < end) {
    block.reset();
    while (block.length < BLOCK_BYTES && at + block.length < end) writeSentence(grammar, block, random);
    const size = Math.min(block.length, TEXT_POOL_BYTES - at);
    target.set(block.bytes.subarray(0, size), at);
    at += size;
  }
  if (next !== undefined && (at !== next.offset || random.state !== next.seed)) {
    throw new Error(
      `text pool segment ${segment} ends at ${at}, ${random.state}; expected ${next.offset}, ${next.seed}`,
    );
  }
}

/** A weighted choice among words, or among phrases. */
type Choice = { readonly words: WordTable; readonly picks: Uint8Array };
type Phrase = { readonly parts: readonly (readonly Choice[])[]; readonly picks: Uint8Array };
type SentencePart = 'N' | 'V' | 'P' | 'T';
type Grammar = {
  readonly sentences: readonly (readonly SentencePart[])[];
  readonly sentencePicks: Uint8Array;
  readonly nounPhrase: Phrase;
  readonly verbPhrase: Phrase;
  readonly preposition: Choice;
  readonly the: WordTable;
  readonly terminator: Choice;
};

function compileGrammar(): Grammar {
  const grammar = distribution('grammar');
  return {
    sentences: grammar.words.map((syntax) => syntax.split(' ') as SentencePart[]),
    sentencePicks: grammar.picks,
    nounPhrase: compilePhrase(distribution('np'), {
      A: distribution('articles'),
      J: distribution('adjectives'),
      D: distribution('adverbs'),
      N: distribution('nouns'),
    }),
    verbPhrase: compilePhrase(distribution('vp'), {
      D: distribution('adverbs'),
      V: distribution('verbs'),
      X: distribution('auxillaries'),
    }),
    preposition: compileChoice(distribution('prepositions'), ' '),
    the: wordTable(['the ']),
    terminator: compileChoice(distribution('terminators'), ' '),
  };
}

/** `J, J N`: a letter names a word list; what follows it comes after the word. */
function compilePhrase(phrases: Distribution, lists: Readonly<Record<string, Distribution>>): Phrase {
  const parts = phrases.words.map((syntax) =>
    syntax.split(' ').map((token) => compileChoice(lists[token[0]], `${token.slice(1)} `)),
  );
  return { parts, picks: phrases.picks };
}

function compileChoice(list: Distribution, suffix: string): Choice {
  return { words: wordTable(list.words.map((word) => word + suffix)), picks: list.picks };
}

function pick(picks: Uint8Array, random: RowRandom): number {
  return picks[random.uniform(0, picks.length - 1)];
}

function writeChoice(choice: Choice, out: RowBuffer, random: RowRandom): void {
  out.word(choice.words, pick(choice.picks, random));
}

function writePhrase(phrase: Phrase, out: RowBuffer, random: RowRandom): void {
  for (const choice of phrase.parts[pick(phrase.picks, random)]) writeChoice(choice, out, random);
}

function writeSentence(grammar: Grammar, out: RowBuffer, random: RowRandom): void {
  for (const part of grammar.sentences[pick(grammar.sentencePicks, random)]) {
    switch (part) {
      case 'N':
        writePhrase(grammar.nounPhrase, out, random);
        break;
      case 'V':
        writePhrase(grammar.verbPhrase, out, random);
        break;
      case 'P':
        writeChoice(grammar.preposition, out, random);
        out.word(grammar.the, 0);
        writePhrase(grammar.nounPhrase, out, random);
        break;
      case 'T':
        // The terminator stands where the space after the last word was.
        out.length--;
        writeChoice(grammar.terminator, out, random);
        break;
    }
  }
}

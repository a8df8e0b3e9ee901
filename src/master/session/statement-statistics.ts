/** How often each kind of statement has run, how long it took, how many rows it gave: pg_stat_statements.
 *
 *  Owns: the counters of all sessions since the start or the last reset. Statements are first counted by their text;
 *  what texts have in common (`statementShape` parses once more, a third of a millisecond) is found a little later, one
 *  text at a time, so that no statement waits for it. As in the extension, a statement that fails is not counted, and
 *  when there are more than `max` kinds the one used least goes. */
import { type StatementShape, statementShape, TEXT_LENGTH_MAX } from '../../plan/sql/fingerprint.js';

export type StatementCounters = {
  readonly user: string;
  readonly database: string;
  readonly shape: StatementShape;
  calls: number;
  rows: number;
  totalMs: number;
  minMs: number;
  maxMs: number;
  meanMs: number;
  /** Sum of squared differences from the mean (Welford). */
  squares: number;
};

type Run = {
  readonly user: string;
  readonly database: string;
  readonly text: string;
  readonly ms: number;
  readonly rows: number;
};

const SHAPES_MAX = 2000;
/** Longer texts are seldom sent again: keeping them would only cost memory. */
const KEPT_LENGTH_MAX = 4096;
const WAITING_MAX = 500;

export class StatementStatistics {
  private readonly max: number;
  private readonly counters = new Map<string, StatementCounters>();
  /** Shapes of recent texts. */
  private readonly shapes = new Map<string, StatementShape>();
  private waiting: Run[] = [];
  private scheduled = false;

  constructor(max = 5000) {
    this.max = max;
  }

  add(run: Run): void {
    const shape = this.shapes.get(run.text);
    if (shape !== undefined) {
      this.count(run, shape);
      return;
    }
    if (run.text.length > TEXT_LENGTH_MAX) {
      // Not parsed, and not to be held.
      this.count(run, statementShape(run.text));
      return;
    }
    if (this.waiting.length >= WAITING_MAX) return;
    this.waiting.push(run);
    this.schedule();
  }

  private schedule(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    setTimeout(() => {
      this.scheduled = false;
      const run = this.waiting.shift();
      if (run !== undefined) this.count(run, this.shapeOf(run.text));
      if (this.waiting.length > 0) this.schedule();
    }, 1).unref();
  }

  private shapeOf(text: string): StatementShape {
    let shape = this.shapes.get(text);
    if (shape === undefined) {
      shape = statementShape(text);
      if (text.length > KEPT_LENGTH_MAX) return shape;
      this.shapes.set(text, shape);
      if (this.shapes.size > SHAPES_MAX) this.shapes.delete(this.shapes.keys().next().value!);
    }
    return shape;
  }

  private count(run: Run, shape: StatementShape): void {
    const key = `${run.user}\0${run.database}\0${shape.queryId}`;
    let c = this.counters.get(key);
    if (c === undefined) {
      if (this.counters.size >= this.max) this.dropLeast();
      const { user, database } = run;
      c = {
        user,
        database,
        shape,
        calls: 0,
        rows: 0,
        totalMs: 0,
        minMs: Infinity,
        maxMs: 0,
        meanMs: 0,
        squares: 0,
      };
      this.counters.set(key, c);
    }
    c.calls++;
    c.rows += run.rows;
    c.totalMs += run.ms;
    c.minMs = Math.min(c.minMs, run.ms);
    c.maxMs = Math.max(c.maxMs, run.ms);
    const difference = run.ms - c.meanMs;
    c.meanMs += difference / c.calls;
    c.squares += difference * (run.ms - c.meanMs);
  }

  /** The twentieth part that was called least. */
  private dropLeast(): void {
    const byCalls = [...this.counters].sort((a, b) => a[1].calls - b[1].calls);
    for (const [key] of byCalls.slice(0, Math.max(1, Math.floor(this.max / 20)))) this.counters.delete(key);
  }

  all(): readonly StatementCounters[] {
    for (const run of this.waiting.splice(0)) this.count(run, this.shapeOf(run.text));
    return [...this.counters.values()];
  }

  /** Characters of the texts that are held. */
  get textHeld(): number {
    let n = 0;
    for (const text of this.shapes.keys()) n += text.length;
    for (const { text } of this.waiting) n += text.length;
    return n;
  }

  reset(): void {
    this.waiting = [];
    this.counters.clear();
  }
}

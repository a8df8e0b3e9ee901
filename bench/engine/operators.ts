/** `npm run bench -- operators`: what compiled operators do on one thread, in rows and bytes a second, beside what the memory of
 *  the machine gives, measured in the same run; and TPC-H's queries 1 and 6 beside WebAssembly written by hand.
 *
 *  Every result is checked before it is timed. */
import { mkdirSync } from 'node:fs';
import { TestMemory } from '../../src/engine/operators/testing.js';
import { record } from '../report.js';
import { measureBandwidth } from './bandwidth.js';
import { groupAndSortCases } from './cases/groups-and-sorts.js';
import { joinCases } from './cases/joins.js';
import { motionCases } from './cases/motions.js';
import { measureRowGroups } from './cases/row-groups.js';
import { scanCases } from './cases/scans.js';
import { stringCases } from './cases/strings.js';
import { type Case, type Measured, measure } from './runner.js';

export type OperatorsOptions = {
  readonly rows: number;
  readonly runs: number;
  readonly only?: string;
  readonly data?: string;
};

const MEMORY_BYTES = 2 ** 31;
const HAND_WRITTEN = ', hand-written';

export const ROOMS: Readonly<Record<string, (tm: TestMemory, rows: number) => Generator<Case>>> = {
  scans: scanCases,
  joins: joinCases,
  groups: groupAndSortCases,
  strings: stringCases,
  motions: motionCases,
};
const ROW_GROUPS = 'row-groups';
export const OPERATOR_ROOMS = [...Object.keys(ROOMS), ROW_GROUPS];

export async function operatorsBench(o: OperatorsOptions): Promise<void> {
  // Hand-written code takes eight rows at a time; row groups of the keys' pattern are whole.
  if (!(o.rows >= 100_000) || o.rows % 32 !== 0) throw new Error('--rows: at least 100000, a multiple of 32');
  const wanted = o.only?.split(',') ?? OPERATOR_ROOMS;
  const unknown = wanted.find((w) => !OPERATOR_ROOMS.includes(w));
  if (unknown !== undefined) throw new Error(`--only ${unknown}: there are ${OPERATOR_ROOMS.join(', ')}`);
  const tm = new TestMemory(MEMORY_BYTES);
  const bandwidth = measureBandwidth(tm);
  const gb = (bytesPerSecond: number): string => (bytesPerSecond / 1e9).toFixed(1);
  console.log(
    `\n  memcpy ${gb(bandwidth.memcpy)} GB/s; in WebAssembly's memory: copy ${gb(bandwidth.wasmCopy)} GB/s, read ${gb(bandwidth.wasmRead)} GB/s\n`,
  );
  console.log(
    `  ${''.padEnd(52)}${'ms'.padStart(9)}${'M rows/s'.padStart(10)}${'GB/s'.padStart(8)}${'of memcpy'.padStart(11)}`,
  );
  const all: Measured[] = [];
  const show = (m: Measured): void => {
    all.push(m);
    const perSecond = 1000 / m.bestMs;
    console.log(
      `  ${m.name.padEnd(52)}${m.bestMs.toFixed(1).padStart(9)}${((m.rows * perSecond) / 1e6).toFixed(1).padStart(10)}${((m.bytes * perSecond) / 1e9).toFixed(2).padStart(8)}${((m.bytes * perSecond) / bandwidth.memcpy).toFixed(2).padStart(11)}`,
    );
  };
  for (const [room, cases] of Object.entries(ROOMS))
    if (wanted.includes(room)) for (const c of cases(tm, o.rows)) for (const m of measure(c, o.runs)) show(m);
  if (wanted.includes(ROW_GROUPS)) {
    const base = o.data ?? '.mpp';
    mkdirSync(base, { recursive: true });
    for (const m of await measureRowGroups(base, o.rows, o.runs)) show(m);
  }
  const figures: Record<string, number> = {
    'memcpy (GB/s)': bandwidth.memcpy / 1e9,
    'copy in WebAssembly memory (GB/s)': bandwidth.wasmCopy / 1e9,
    'read in WebAssembly memory (GB/s)': bandwidth.wasmRead / 1e9,
  };
  for (const m of all) figures[`${m.name} (M rows/s)`] = m.rows / m.bestMs / 1000;
  for (const m of all)
    figures[`${m.name} (share of memcpy)`] = (m.bytes * 1000) / m.bestMs / bandwidth.memcpy;
  for (const hand of all.filter((m) => m.name.endsWith(HAND_WRITTEN))) {
    const name = hand.name.slice(0, -HAND_WRITTEN.length);
    const compiled = all.find((m) => m.name === name)!;
    const ratio = compiled.bestMs / hand.bestMs;
    figures[`${name}, compiled over hand-written (ratio)`] = ratio;
    console.log(
      `\n  ${name}: compiled ${compiled.bestMs.toFixed(1)} ms, hand-written ${hand.bestMs.toFixed(1)} ms: ${ratio.toFixed(2)} times`,
    );
  }
  if (o.only !== undefined) return;
  record({
    name: 'operators',
    options: { rows: o.rows, runs: o.runs },
    figures,
    detail: { bandwidth, cases: all },
  });
}

/** EXPLAIN in colour: operators, rows, times; what took longest and which segment has too much stand out. */
import type { PrintOptions } from '../print/options.js';
import type { Table } from '../print/table.js';

const RESET = '\x1b[0m';
const paint = (code: string, text: string): string => `\x1b[${code}m${text}${RESET}`;

/** Undefined: this is no plan as text. */
export function explainColors(table: Table, options: PrintOptions): ((line: string) => string) | undefined {
  const [column] = table.columns;
  if (table.columns.length !== 1 || column?.name !== 'QUERY PLAN') return undefined;
  if (options.expanded === true || !['aligned', 'unaligned', 'wrapped'].includes(options.format))
    return undefined;
  const lines = table.rows.map((r) => r[0] ?? '');
  if (/^\s*[[{]/.test(lines[0] ?? '')) return undefined;
  const slowest = new Set(slowestLines(lines).map((l) => l.trim()));
  return (line) => colorLine(line, slowest.has(line.trim()));
}

/** With the operators whose rows pass through that pipeline, which take its time together. */
export function slowestLines(lines: readonly string[]): readonly string[] {
  const pipeline = slowestPipeline(lines);
  const operators = slowestNodes(lines);
  if (pipeline !== undefined) return [pipeline, ...operators];
  const operator = slowestOperator(lines);
  return operator === undefined ? [] : [operator];
}

function slowestNodes(lines: readonly string[]): readonly string[] {
  let slowest: string[] = [];
  let most = 0;
  for (const line of lines) {
    const timed = /\(actual rows=[^()]* time=([\d.]+) ms/.exec(line);
    if (timed === null || Number(timed[1]) < most) continue;
    if (Number(timed[1]) > most) slowest = [];
    most = Number(timed[1]);
    slowest.push(line);
  }
  return slowest;
}

/** mpp's: the pipeline whose slowest process took longest. */
function slowestPipeline(lines: readonly string[]): string | undefined {
  let slowest: string | undefined;
  let most = 0;
  for (const line of lines) {
    const times = /^\s+pipeline \d+: .*\btime=(?:[\d.]+\/[\d.]+\/)?([\d.]+) ms/.exec(line);
    if (times === null || Number(times[1]) <= most) continue;
    most = Number(times[1]);
    slowest = line;
  }
  return slowest;
}

type Operator = { readonly line: string; readonly depth: number; readonly ms: number; children: number };

/** PostgreSQL's: an operator's own time is what it took less what its inputs took. */
function slowestOperator(lines: readonly string[]): string | undefined {
  const all: Operator[] = [];
  const open: Operator[] = [];
  for (const line of lines) {
    const timed = /actual time=[\d.]+\.\.([\d.]+) rows=[\d.]+ loops=(\d+)/.exec(line);
    if (timed === null) continue;
    const operator = {
      line,
      depth: line.length - line.trimStart().length,
      ms: Number(timed[1]) * Number(timed[2]),
      children: 0,
    };
    while (open.length > 0 && open[open.length - 1]!.depth >= operator.depth) open.pop();
    const parent = open[open.length - 1];
    if (parent !== undefined) parent.children += operator.ms;
    open.push(operator);
    all.push(operator);
  }
  let slowest: Operator | undefined;
  const own = (o: Operator): number => o.ms - o.children;
  for (const o of all) if (slowest === undefined || own(o) > own(slowest)) slowest = o;
  return slowest?.line;
}

function colorLine(line: string, slowest: boolean): string {
  const end = line.endsWith('\n') ? '\n' : '';
  const text = end === '' ? line : line.slice(0, -1);
  if (slowest) return `${paint('1;31', text.trimEnd())}${paint('31', '  <- slowest')}${end}`;
  return (
    text
      // The operator: what follows the arrow, or begins the plan, up to its figures.
      .replace(
        /^(\s*(?:->\s+)?)([A-Z][^(:]*?)(\s+\((?:cost|actual|slice))/,
        (_, a: string, b: string, c: string) => a + paint('1;36', b) + c,
      )
      .replace(/\((cost=[^)]*)\)/, (_, costs: string) => paint('90', `(${costs})`))
      .replace(/\(slice\d+; [^)]*\)|\(slice\d+\)/, (slice) => paint('35', slice))
      .replace(/, most on segment -?\d+/, (skew) => paint('1;33', skew))
      .replace(/\bactual rows=\d+/, (rows) => paint('1', rows))
      .replace(/^(\s+)([A-Z][A-Za-z ]+:)(?= )/, (_, a: string, b: string) => a + paint('34', b)) + end
  );
}

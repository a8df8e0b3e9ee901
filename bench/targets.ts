/** What the project promises of its speed, as tests of what benchmarks measured. Nothing fails by them: a summary says
 *  which are met. */

export type Figures = Readonly<Record<string, number>>;

export type Verdict = {
  readonly target: string;
  /** The figures that decide, as text. */
  readonly measured: string;
  readonly met: boolean;
};

type Target = {
  /** Matches the name of a run, such as `tpch-sf1`. */
  readonly run: RegExp;
  /** Undefined when the run lacks the figures. */
  readonly judge: (figures: Figures) => Verdict | undefined;
};

type Limit = {
  readonly run: RegExp;
  readonly target: string;
  /** Matches the figures; each must hold. */
  readonly figure: RegExp;
  readonly most?: number;
  readonly least?: number;
};

function limit(l: Limit): Target {
  return {
    run: l.run,
    judge: (figures) => {
      const found = Object.entries(figures).filter(([name]) => l.figure.test(name));
      if (found.length === 0) return undefined;
      return {
        target: l.target,
        measured: found.map(([name, v]) => `${name}: ${short(v)}`).join('; '),
        met: found.every(([, v]) => v <= (l.most ?? Infinity) && v >= (l.least ?? -Infinity)),
      };
    },
  };
}

type Comparison = {
  readonly run: RegExp;
  readonly target: string;
  /** Matches our figures; the peer's has its name in the place of `mpp`. */
  readonly figure: RegExp;
  readonly peer: string;
  /** Ours over the peer's at most. */
  readonly most: number;
};

function compared(c: Comparison): Target {
  return {
    run: c.run,
    judge: (figures) => {
      const pairs = Object.entries(figures)
        .filter(([name]) => c.figure.test(name))
        .map(([name, ours]) => ({ name, ours, peer: figures[name.replace(', mpp', `, ${c.peer}`)] }));
      if (pairs.length === 0 || pairs.some((p) => p.peer === undefined)) return undefined;
      return {
        target: c.target,
        measured: pairs.map((p) => `${p.name}: ${short(p.ours)}, ${c.peer} ${short(p.peer!)}`).join('; '),
        met: pairs.every((p) => p.ours <= p.peer! * c.most),
      };
    },
  };
}

function short(v: number): string {
  return String(Number(v.toPrecision(3)));
}

/** The step of `growth from A to B, ...` and its factor over that of the data. */
const growth: Target = {
  run: /^scale/,
  judge: (figures) => {
    const steps = Object.entries(figures).flatMap(([name, factor]) => {
      const m = /^growth from ([\d.]+) to ([\d.]+), worst query, mpp/.exec(name);
      return m === null ? [] : [{ name, factor, data: Number(m[2]) / Number(m[1]) }];
    });
    if (steps.length === 0) return undefined;
    return {
      target: 'time grows no faster than the data, every query',
      measured: steps
        .map((s) => `${s.name}: ${short(s.factor)} for ${short(s.data)} times the data`)
        .join('; '),
      met: steps.every((s) => s.factor <= s.data),
    };
  },
};

const TARGETS: readonly Target[] = [
  limit({
    run: /^tpch/,
    target: 'geometric mean of the 22 queries no slower than DuckDB',
    figure: /^geometric mean, mpp over DuckDB \(ratio\)$/,
    most: 1,
  }),
  limit({
    run: /^latency/,
    target: 'short queries under 5 ms median',
    figure: /^(select 1|count nation|one order), mpp( prepared)? \(ms\)$/,
    most: 5,
  }),
  limit({
    run: /^fetch/,
    target: "the master's memory is flat while a result streams",
    figure: /^growth of the master while fetching \(MB\)$/,
    most: 64,
  }),
  compared({
    run: /^load/,
    target: 'load no slower than DuckDB with a file',
    figure: /^load, mpp \(s\)$/,
    peer: 'DuckDB with a file',
    most: 1,
  }),
  compared({
    run: /^concurrency/,
    target: 'clients at once done no later than with DuckDB by more than 20 percent',
    figure: /^\d+ clients, mpp \(s\)$/,
    peer: 'DuckDB',
    most: 1.2,
  }),
  compared({
    run: /^concurrency/,
    target: 'short queries beside long ones are not slower than with DuckDB',
    figure: / beside \d+ long clients, 95th percentile, mpp \(ms\)$/,
    peer: 'DuckDB',
    most: 1,
  }),
  limit({
    run: /^operators/,
    target: 'compiled code within 1.5 times of hand-written WebAssembly',
    figure: /, compiled over hand-written \(ratio\)$/,
    most: 1.5,
  }),
  growth,
  limit({
    run: /^scale/,
    target: 'two segments at least 1.8 times as fast as one on scan-bound queries',
    figure: /: one segment over two \(ratio\)$/,
    least: 1.8,
  }),
  compared({
    run: /^scale/,
    target: "memory below DuckDB's in memory plus 50 percent",
    figure: /^memory at [\d.]+ after load and queries, mpp \(MB\)$/,
    peer: 'DuckDB in memory',
    most: 1.5,
  }),
];

/** Verdicts on the runs, by name. */
export function judge(runs: ReadonlyMap<string, Figures>): Verdict[] {
  return [...runs].flatMap(([name, figures]) =>
    TARGETS.filter((t) => t.run.test(name)).flatMap((t) => {
      const verdict = t.judge(figures);
      return verdict === undefined ? [] : [{ ...verdict, target: `${name}: ${verdict.target}` }];
    }),
  );
}

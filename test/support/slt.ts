/** SQL logic tests: parse, run, and record the files of `test/slt/`.
 *
 *  A file is a sequence of records, separated by blank lines:
 *    statement ok | statement error SQLSTATE        followed by one statement
 *    query [rowsort]                                followed by one query, `----`, and its rows (`|` between values)
 *  Lines that begin with # are comments. NULL is written NULL, the empty string (empty). `rowsort` compares sorted rows.
 *  Expected rows are PostgreSQL's: `UPDATE_SLT=1` records them from an embedded one (our clauses taken out), never from
 *  this engine. */
export type SltRecord =
  | {
      readonly kind: 'statement';
      readonly line: number;
      readonly comments: readonly string[];
      readonly sql: string;
      error: string | undefined;
    }
  | {
      readonly kind: 'query';
      readonly line: number;
      readonly comments: readonly string[];
      readonly sql: string;
      readonly sort: boolean;
      rows: readonly string[];
    };

/** Runs SQL and gives rows of PostgreSQL text values; throws an object with `code` on errors. */
export type SltDatabase = { query(sql: string): Promise<readonly (readonly (string | null)[])[]> };

export function parseSlt(text: string): SltRecord[] {
  const out: SltRecord[] = [];
  const lines = text.split('\n');
  for (let i = 0; i < lines.length; ) {
    const comments: string[] = [];
    while (i < lines.length && (lines[i]!.startsWith('#') || lines[i]!.trim() === '')) {
      if (lines[i]!.startsWith('#')) comments.push(lines[i]!);
      i++;
    }
    if (i >= lines.length) break;
    const line = i + 1;
    const head = lines[i++]!.trim().split(/\s+/);
    const sql: string[] = [];
    while (i < lines.length && lines[i]!.trim() !== '' && lines[i] !== '----') sql.push(lines[i++]!);
    if (head[0] === 'statement')
      out.push({
        kind: 'statement',
        line,
        comments,
        sql: sql.join('\n'),
        error: head[1] === 'error' ? (head[2] ?? '') : undefined,
      });
    else if (head[0] === 'query') {
      const rows: string[] = [];
      if (lines[i] === '----') {
        i++;
        while (i < lines.length && lines[i]!.trim() !== '') rows.push(lines[i++]!);
      }
      out.push({ kind: 'query', line, comments, sql: sql.join('\n'), sort: head.includes('rowsort'), rows });
    } else throw new Error(`line ${line}: "${head.join(' ')}" is neither statement nor query`);
  }
  return out;
}

export function formatSlt(records: readonly SltRecord[]): string {
  return `${records
    .map((r) => {
      const head =
        r.kind === 'statement'
          ? `statement ${r.error === undefined ? 'ok' : `error ${r.error}`}`
          : `query${r.sort ? ' rowsort' : ''}`;
      const body = r.kind === 'statement' ? [r.sql] : [r.sql, '----', ...r.rows];
      return [...r.comments, head, ...body].join('\n');
    })
    .join('\n\n')}\n`;
}

export function formatRows(rows: readonly (readonly (string | null)[])[], sort: boolean): string[] {
  const out = rows.map((r) =>
    r.map((v) => (v === null ? 'NULL' : v === '' ? '(empty)' : v.replaceAll('\n', '\\n'))).join('|'),
  );
  return sort ? out.sort() : out;
}

function code(e: unknown): string {
  return (e as { code?: string }).code ?? `not an SQL error: ${e instanceof Error ? e.message : String(e)}`;
}

/** Runs every record; returns a line for each that differs. */
export async function runSlt(records: readonly SltRecord[], db: SltDatabase): Promise<string[]> {
  const failures: string[] = [];
  for (const r of records) {
    let rows: string[] | undefined;
    let error: unknown;
    try {
      rows = formatRows(await db.query(r.sql), r.kind === 'query' && r.sort);
    } catch (e) {
      error = e;
    }
    const where = `line ${r.line}: ${r.sql.replaceAll('\n', ' ').slice(0, 300)}`;
    if (r.kind === 'statement') {
      if (r.error === undefined && error !== undefined)
        failures.push(`${where}\n    failed: ${code(error)} ${error instanceof Error ? error.message : ''}`);
      else if (r.error !== undefined && error === undefined)
        failures.push(`${where}\n    succeeded, expected ${r.error}`);
      else if (r.error !== undefined && code(error) !== r.error)
        failures.push(
          `${where}\n    ${code(error)} ${error instanceof Error ? error.message : ''}, expected ${r.error}`,
        );
    } else if (error !== undefined)
      failures.push(`${where}\n    failed: ${code(error)} ${error instanceof Error ? error.message : ''}`);
    else if (rows!.join('\n') !== r.rows.join('\n'))
      failures.push(
        `${where}\n    got      ${rows!.slice(0, 12).join(' ; ')}\n    expected ${r.rows.slice(0, 12).join(' ; ')}`,
      );
  }
  return failures;
}

/** Fills in what PostgreSQL answers. */
export async function recordSlt(records: readonly SltRecord[], db: SltDatabase): Promise<void> {
  for (const r of records) {
    try {
      const rows = await db.query(r.sql);
      if (r.kind === 'query') r.rows = formatRows(rows, r.sort);
      else r.error = undefined;
    } catch (e) {
      if (r.kind === 'query')
        throw new Error(`line ${r.line}: ${e instanceof Error ? e.message : String(e)}\n${r.sql}`);
      r.error = code(e);
    }
  }
}

/** PostgreSQL without our clauses. */
export function withoutDistribution(sql: string): string {
  return sql.replace(/\bDISTRIBUTED\s+(?:BY\s*\([^)]*\)|RANDOMLY|REPLICATED)/gi, '');
}

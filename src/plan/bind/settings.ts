/** SET, RESET, SHOW, BEGIN and the options of EXPLAIN: statements about the session, as models. */
import type { ExplainStmt, Node, TransactionStmt, TypeCast, VariableSetStmt } from 'libpg-query';
import { parseText } from '../../types/text-io.js';
import type { Interval } from '../../types/value.js';
import { booleanOption, literalText, nodeKind } from './ast.js';
import type { BindContext } from './context.js';
import type { ExplainOptions, TransactionModes, TransactionVerb, UtilityStatement } from './statement.js';
import { resolveTypeName } from './type-name.js';

export function bindSet(ctx: BindContext, s: VariableSetStmt): UtilityStatement {
  const name = s.name ?? '';
  const local = s.is_local === true;
  switch (s.kind) {
    case 'VAR_SET_VALUE':
      return { kind: 'set', name, values: (s.args ?? []).map((a) => settingText(ctx, a)), local };
    case 'VAR_SET_DEFAULT':
      return { kind: 'set', name, values: undefined, local };
    case 'VAR_RESET':
      return { kind: 'reset', name };
    case 'VAR_RESET_ALL':
      return { kind: 'reset', name: undefined };
    case 'VAR_SET_MULTI':
      if (name === 'TRANSACTION' || name === 'SESSION CHARACTERISTICS')
        return {
          kind: 'setTransaction',
          session: name !== 'TRANSACTION',
          modes: transactionModes(s.args ?? []),
        };
      throw ctx.notSupported(`SET ${name}`, s.location);
    default:
      throw ctx.notSupported('SET FROM CURRENT', s.location);
  }
}

export function settingText(ctx: BindContext, n: Node): string {
  const text = literalText(n);
  if (text !== undefined) return text;
  if ('TypeCast' in n) return intervalZone(ctx, n.TypeCast);
  throw ctx.notSupported(`a setting given as ${nodeKind(n)}`, -1);
}

/** SET TIME ZONE INTERVAL '...': the zone's name, as PostgreSQL shows it: an offset east of UTC. */
function intervalZone(ctx: BindContext, cast: TypeCast): string {
  const at = cast.location;
  const type = resolveTypeName(ctx, cast.typeName);
  const text = literalText(cast.arg);
  if (type.kind !== 'interval' || text === undefined) throw ctx.notSupported('a setting given as a cast', at);
  const value = parseText(type, text) as Interval;
  if (value.months !== 0) throw ctx.error('22023', 'cannot specify months in time zone interval', -1);
  if (value.days !== 0) throw ctx.error('22023', 'cannot specify days in time zone interval', -1);
  const seconds = Number(value.micros / 1_000_000n);
  const digits = (n: number): string => String(n).padStart(2, '0');
  const [h, m, s] = [
    Math.floor(Math.abs(seconds) / 3600),
    Math.floor(Math.abs(seconds) / 60) % 60,
    Math.abs(seconds) % 60,
  ];
  const shown = `${digits(h)}${m > 0 || s > 0 ? `:${digits(m)}` : ''}${s > 0 ? `:${digits(s)}` : ''}`;
  // POSIX counts west of Greenwich.
  return seconds < 0 ? `<-${shown}>+${shown}` : `<+${shown}>-${shown}`;
}

export function transactionModes(options: readonly Node[]): TransactionModes {
  let modes: TransactionModes = {};
  for (const n of options) {
    if (!('DefElem' in n)) continue;
    const value = literalText(n.DefElem.arg);
    if (n.DefElem.defname === 'transaction_isolation' && value !== undefined)
      modes = { ...modes, isolation: value };
    else if (n.DefElem.defname === 'transaction_read_only')
      modes = { ...modes, readOnly: value === '1' || value === 'true' };
    else if (n.DefElem.defname === 'transaction_deferrable')
      modes = { ...modes, deferrable: value === '1' || value === 'true' };
  }
  return modes;
}

const VERBS: Readonly<Record<string, TransactionVerb>> = {
  TRANS_STMT_BEGIN: 'begin',
  TRANS_STMT_START: 'start',
  TRANS_STMT_COMMIT: 'commit',
  TRANS_STMT_ROLLBACK: 'rollback',
  TRANS_STMT_SAVEPOINT: 'savepoint',
  TRANS_STMT_RELEASE: 'release',
  TRANS_STMT_ROLLBACK_TO: 'rollbackTo',
};

export function bindTransaction(ctx: BindContext, s: TransactionStmt): UtilityStatement {
  const verb = VERBS[s.kind ?? ''];
  if (verb === undefined) throw ctx.notSupported('two-phase commit', s.location);
  return {
    kind: 'transaction',
    verb,
    savepoint: s.savepoint_name,
    modes: transactionModes(s.options ?? []),
    chain: s.chain === true,
  };
}

export function explainOptions(ctx: BindContext, s: ExplainStmt): ExplainOptions {
  const o = { analyze: false, verbose: false, costs: true, buffers: false, settings: false, wal: false };
  let timing: boolean | undefined;
  let summary: boolean | undefined;
  let format: ExplainOptions['format'] = 'text';
  for (const n of s.options ?? []) {
    if (!('DefElem' in n)) continue;
    const d = n.DefElem;
    const name = d.defname ?? '';
    if (name === 'format') {
      const f = literalText(d.arg) ?? '';
      if (f !== 'text' && f !== 'json' && f !== 'xml' && f !== 'yaml')
        throw ctx.error('22023', `unrecognized value for EXPLAIN option "format": "${f}"`, d.location);
      format = f;
      continue;
    }
    const known = name === 'timing' || name === 'summary' || Object.hasOwn(o, name);
    if (!known) throw ctx.error('42601', `unrecognized EXPLAIN option "${name}"`, d.location);
    const value = booleanOption(d);
    if (value === undefined) throw ctx.error('42601', `${name} requires a Boolean value`, -1);
    if (name === 'timing') timing = value;
    else if (name === 'summary') summary = value;
    else o[name as keyof typeof o] = value;
  }
  if (format === 'xml' || format === 'yaml')
    throw ctx.notSupported(`EXPLAIN (FORMAT ${format.toUpperCase()})`, -1);
  if (o.wal && !o.analyze) throw ctx.error('22023', 'EXPLAIN option WAL requires ANALYZE', -1);
  if (timing === true && !o.analyze) throw ctx.error('22023', 'EXPLAIN option TIMING requires ANALYZE', -1);
  return { ...o, timing: timing ?? o.analyze, summary: summary ?? o.analyze, format };
}

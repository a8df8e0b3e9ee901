/** Conjuncts over one dictionary column: evaluated once for each entry of the dictionary instead of once for each row.
 *
 *  Before the loop of a call a table of bytes is filled, one for each code; a row's test is then a load. When the call has
 *  too few rows for that to pay, the table is absent and the conjunct is evaluated as written. Not for what is volatile,
 *  nor for what can fail: an entry may be in the dictionary without a row that an earlier conjunct lets pass. */
import type { Expr } from '../../plan/expr.js';
import { columnsOf, conjunction } from '../../plan/expr-util.js';
import type { ColId } from '../../types/ids.js';
import { tempAlloc } from '../codegen/lib/memory.js';
import type { DictColumn, Pipeline } from './pipeline.js';

/** Rows of the call per dictionary entry from which on a table pays. */
const ROWS_PER_ENTRY = 2;
const COLUMNS_AT_ONCE = 6;

/** Emits the tables; returns tests in the order they are to run, each of which leaves i32, 1 exactly when its conjuncts
 *  are TRUE. What costs a load and a comparison comes first and together, without a branch between: a branch that is
 *  taken now and then costs more than all of them. The others keep their order. */
export function openConjuncts(p: Pipeline, all: readonly Expr[]): readonly (() => void)[] {
  const { e, f } = p;
  const cheap: Expr[] = [];
  const tables: (() => void)[] = [];
  const rest: (() => void)[] = [];
  let plain: Expr[] = [];
  const loaded = new Set<ColId>();
  const flush = (): void => {
    if (plain.length === 0) return;
    const condition = conjunction(plain);
    rest.push(() => e.emitCondition(condition));
    plain = [];
  };
  for (const c of all) {
    const ids = [...columnsOf(c)];
    const dict = ids.length === 1 ? p.dicts.get(ids[0]) : undefined;
    const columns = new Set([...loaded, ...ids]);
    if (dict !== undefined && e.ctx.uses('DictionaryFilter') && cannotFail(c)) {
      if (dict.small) tables.push(tabled(p, c, ids[0], dict));
      else {
        flush();
        rest.push(tabled(p, c, ids[0], dict));
      }
    } else if (isComparison(c) && ids.every((id) => p.words.has(id)) && columns.size <= COLUMNS_AT_ONCE) {
      cheap.push(c);
      for (const id of ids) loaded.add(id);
    } else plain.push(c);
  }
  flush();
  if (cheap.length + tables.length === 0) return rest;
  const first = (): void => {
    if (cheap.length > 0) {
      // Columns that are in registers already make the comparisons free to combine.
      for (const id of loaded) e.column(id);
      e.emitCondition(conjunction(cheap));
    }
    tables.forEach((test, i) => {
      test();
      if (i > 0 || cheap.length > 0) f.op('i32.and');
    });
  };
  return [first, ...rest];
}

/** Of columns and constants, by an order that is built in. */
function isComparison(x: Expr): boolean {
  const operand = (o: Expr): boolean => o.kind === 'col' || o.kind === 'const' || o.kind === 'param';
  switch (x.kind) {
    case 'cmp':
      return operand(x.left) && operand(x.right);
    case 'isnull':
      return operand(x.arg);
    case 'or':
      return x.args.length <= 3 && x.args.every(isComparison);
    default:
      return false;
  }
}

function tabled(p: Pipeline, c: Expr, id: ColId, dict: DictColumn): () => void {
  const { e, f } = p;
  const table = f.local('i32');
  const code = f.local('i32');
  const fill = (): void => {
    f.get(p.qs).get(p.ws).get(dict.count).call(e.ctx.lib(tempAlloc)).set(table);
    f.i32(0).set(code);
    f.while(
      () => f.get(code).get(dict.count).op('i32.lt_u'),
      () =>
        e.scoped(() => {
          e.bind(id, () => dict.load(code));
          f.get(table).get(code).op('i32.add');
          e.emitCondition(c);
          f.mem('i32.store8');
          f.get(code).i32(1).op('i32.add').set(code);
        }),
    );
  };
  const lookup = (): void => {
    f.get(table);
    dict.pushCode();
    f.op('i32.add').mem('i32.load8_u');
  };
  if (dict.small) {
    fill();
    return lookup;
  }
  f.i32(0).set(table);
  f.get(dict.count).i32(ROWS_PER_ENTRY).op('i32.mul').get(p.end).get(p.start).op('i32.sub').op('i32.le_u');
  f.if(fill);
  return () => {
    f.get(table).if(lookup, () => e.scoped(() => e.emitCondition(c)), 'i32');
  };
}

/** Only what no value can make fail. */
function cannotFail(x: Expr): boolean {
  switch (x.kind) {
    case 'col':
    case 'const':
    case 'param':
      return true;
    case 'cmp':
    case 'distinct':
      return cannotFail(x.left) && cannotFail(x.right);
    case 'and':
    case 'or':
      return x.args.every(cannotFail);
    case 'not':
    case 'isnull':
    case 'istruth':
      return cannotFail(x.arg);
    case 'in':
      return cannotFail(x.arg) && x.list.every(cannotFail);
    case 'like':
      return cannotFail(x.arg) && x.pattern.kind === 'const';
    case 'call':
      return SAFE.test(x.fn) && x.args.every(cannotFail);
    default:
      return false;
  }
}

/** Functions of strings that take every value, and casts between string types. */
const SAFE =
  /^(upper|lower|length|char_length|left|right|ltrim|rtrim|btrim|starts_with)\(|^cast\((text|varchar|bpchar),(text|varchar|bpchar)\)/;

import { describe, expect, test } from 'vitest';
import { typeOf } from '../../../test/support/function-calls.js';
import type { SqlError } from '../sql-error.js';
import type { SqlType } from '../sql-type.js';
import { isAggregateName, resolveAggregate } from './aggregates.js';
import {
  allFunctions,
  commonType,
  functionById,
  resolveCast,
  resolveComparison,
  resolveFunction,
  resolveOperator,
} from './registry.js';
import type { ResolvedFunction } from './registry-types.js';

const t = (...names: string[]): SqlType[] => names.map(typeOf);

function shown(r: ResolvedFunction | { readonly error: SqlError }): string {
  if ('error' in r) return `${r.error.code} ${r.error.message}`;
  const { precision, scale } = r.returns as { precision?: number; scale?: number };
  return `${r.def.id} ${r.returns.kind}${precision === undefined ? '' : `(${precision},${scale})`}`;
}
const fn = (name: string, ...args: string[]): string => shown(resolveFunction(name, t(...args)));
const op = (name: string, left: string, right: string): string =>
  shown(resolveOperator(name, typeOf(left), typeOf(right)));

describe('functions', () => {
  test('exact, implicit and preferred', () => {
    expect(fn('abs', 'int4')).toBe('abs(int4) int4');
    expect(fn('lower', 'varchar(5)')).toBe('lower(text) text');
    expect(fn('length', 'bpchar(5)')).toBe('length(bpchar) int4');
    expect(fn('power', 'int4', 'int4')).toBe('power(float8,float8) float8');
    expect(fn('power', 'int4', 'numeric')).toBe('power(numeric,numeric) numeric');
    expect(fn('round', 'int4')).toBe('round(float8) float8');
    expect(fn('date_trunc', 'unknown', 'date')).toBe('date_trunc(text,timestamptz) timestamptz');
  });

  test('untyped literals', () => {
    expect(fn('lower', 'unknown')).toBe('lower(text) text');
    expect(fn('abs', 'unknown')).toBe('abs(float8) float8');
    expect(fn('substring', 'unknown', 'int4', 'int4')).toBe('substring(text,int4,int4) text');
  });

  test('variadic and type names', () => {
    expect(fn('concat', 'int4', 'text', 'unknown')).toBe('concat(any) text');
    expect(fn('date', 'timestamp')).toBe('cast(timestamp,date) date');
    expect(fn('int4', 'unknown')).toBe('cast(text,int4) int4');
  });

  test('errors', () => {
    const error = resolveFunction('foo', t('int4', 'varchar(3)')) as { error: SqlError };
    expect(error.error.message).toBe('function foo(integer, character varying) does not exist');
    expect(error.error.hint).toBe(
      'No function matches the given name and argument types. You might need to add explicit type casts.',
    );
    expect(fn('round', 'float8', 'int4')).toBe(
      '42883 function round(double precision, integer) does not exist',
    );
    expect(fn('to_char', 'unknown', 'unknown')).toBe(
      '42725 function to_char(unknown, unknown) is not unique',
    );
  });
});

describe('operators', () => {
  test('exact and mixed', () => {
    expect(op('+', 'int4', 'int8')).toBe('+(int4,int8) int8');
    expect(op('+', 'int4', 'float8')).toBe('+(float8,float8) float8');
    expect(op('-', 'date', 'unknown')).toBe('-(date,date) int4');
    expect(op('-', 'date', 'interval')).toBe('-(date,interval) timestamp');
    expect(op('*', 'interval', 'int4')).toBe('*(interval,float8) interval');
    expect(op('||', 'unknown', 'int4')).toBe('||(text,any) text');
    expect(op('||', 'varchar(3)', 'bpchar(3)')).toBe('||(text,text) text');
    expect(op('||', 'text[]', 'text[]')).toBe('||(anyarray,anyarray) array');
    expect(op('~', 'name', 'unknown')).toBe('~(text,text) bool');
    expect(shown(resolveOperator('-', undefined, typeOf('int4')))).toBe('-(int4) int4');
  });

  test('errors', () => {
    expect(op('+', 'text', 'int4')).toBe('42883 operator does not exist: text + integer');
    expect(op('+', 'unknown', 'unknown')).toBe('42725 operator is not unique: unknown + unknown');
    expect(shown(resolveOperator('-', undefined, typeOf('text')))).toBe(
      '42883 operator does not exist: - text',
    );
  });

  test('numeric results have the precision and scale of every value', () => {
    expect(op('*', 'numeric(15,2)', 'numeric(15,2)')).toBe('*(numeric,numeric) numeric(30,4)');
    expect(op('-', 'int4', 'numeric(15,2)')).toBe('-(numeric,numeric) numeric(16,2)');
    expect(op('/', 'numeric(15,2)', 'numeric(15,2)')).toBe('/(numeric,numeric) numeric');
    expect(shown(resolveFunction('round', t('numeric(15,4)', 'int4'), { consts: [undefined, 2] }))).toBe(
      'round(numeric,int4) numeric(14,2)',
    );
    expect(shown(resolveFunction('extract', t('text', 'date'), { consts: ['year', undefined] }))).toBe(
      'extract(text,date) numeric(10,0)',
    );
  });
});

describe('comparisons', () => {
  const cmp = (left: string, right: string): string => {
    const r = resolveComparison('=', typeOf(left), typeOf(right));
    return 'error' in r ? `${r.error.code} ${r.error.message}` : `${r.left.kind} ${r.right.kind}`;
  };
  test('sides meet in one type', () => {
    expect(cmp('int4', 'int8')).toBe('int8 int8');
    expect(cmp('int4', 'numeric(15,2)')).toBe('numeric numeric');
    expect(cmp('int4', 'float4')).toBe('float8 float8');
    expect(cmp('numeric', 'float8')).toBe('float8 float8');
    expect(cmp('date', 'timestamp')).toBe('timestamp timestamp');
    expect(cmp('date', 'unknown')).toBe('date date');
    expect(cmp('bpchar(3)', 'varchar(3)')).toBe('bpchar bpchar');
    expect(cmp('bpchar(3)', 'text')).toBe('text text');
    expect(cmp('bpchar(3)', 'unknown')).toBe('bpchar bpchar');
    expect(cmp('name', 'text')).toBe('text text');
    expect(cmp('oid', 'int4')).toBe('oid oid');
    expect(cmp('text', 'int4')).toBe('42883 operator does not exist: text = integer');
    expect(cmp('date', 'int4')).toBe('42883 operator does not exist: date = integer');
  });
});

describe('common types', () => {
  test('as select_common_type', () => {
    expect(commonType(t('int4', 'int8', 'unknown'))).toEqual({ kind: 'int8' });
    expect(commonType(t('int4', 'numeric(15,2)'))).toEqual({ kind: 'numeric' });
    expect(commonType(t('numeric(15,2)', 'numeric(10,2)'))).toEqual({
      kind: 'numeric',
      precision: 15,
      scale: 2,
    });
    expect(commonType(t('numeric(15,2)', 'unknown'))).toEqual({ kind: 'numeric' });
    expect(commonType(t('date', 'timestamptz'))).toEqual({ kind: 'timestamptz' });
    expect(commonType(t('varchar(3)', 'varchar(5)'))).toEqual({ kind: 'varchar' });
    expect(commonType(t('unknown', 'unknown'))).toEqual({ kind: 'text' });
    expect(() => commonType(t('int4', 'text'), 'UNION')).toThrow(
      expect.objectContaining({ code: '42804', message: 'UNION types integer and text cannot be matched' }),
    );
  });
});

describe('casts', () => {
  const cast = (from: string, to: string, context: 'implicit' | 'assignment' | 'explicit'): unknown => {
    const r = resolveCast(typeOf(from), typeOf(to), context);
    return r === undefined || r === 'same' ? r : r.fn;
  };
  test('contexts', () => {
    expect(cast('int4', 'int8', 'implicit')).toBe('cast(int4,int8)');
    expect(cast('int8', 'int4', 'implicit')).toBeUndefined();
    expect(cast('int8', 'int4', 'assignment')).toBe('cast(int8,int4)');
    expect(cast('text', 'int4', 'assignment')).toBeUndefined();
    expect(cast('text', 'int4', 'explicit')).toBe('cast(text,int4)');
    expect(cast('int4', 'text', 'assignment')).toBe('cast(int4,text)');
    expect(cast('numeric', 'bool', 'explicit')).toBeUndefined();
  });
  test('lengths', () => {
    expect(cast('text', 'varchar(5)', 'assignment')).toBe('assign(text,varchar)');
    expect(cast('text', 'varchar(5)', 'explicit')).toBe('cast(text,varchar)');
    expect(cast('varchar(3)', 'varchar(5)', 'assignment')).toBe('same');
    expect(cast('bpchar(3)', 'bpchar(5)', 'assignment')).toBe('assign(bpchar,bpchar)');
    expect(cast('numeric(10,2)', 'numeric(12,2)', 'assignment')).toBe('same');
    expect(cast('numeric(10,2)', 'numeric(12,3)', 'assignment')).toBe('cast(numeric,numeric)');
    expect(cast('varchar(3)', 'text', 'implicit')).toBe('same');
  });
});

describe('aggregates', () => {
  const agg = (name: string, ...args: string[]): string => {
    const r = resolveAggregate(name, t(...args), false);
    if ('error' in r) return `${r.error.code} ${r.error.message}`;
    const { precision, scale } = r.returns as { precision?: number; scale?: number };
    return `${r.name} ${r.returns.kind}${precision === undefined ? '' : `(${precision},${scale})`}`;
  };
  test('result types', () => {
    expect(agg('sum', 'int4')).toBe('sum int8');
    expect(agg('sum', 'int8')).toBe('sum numeric(32,0)');
    expect(agg('sum', 'numeric(15,2)')).toBe('sum numeric(28,2)');
    expect(agg('sum', 'float4')).toBe('sum float4');
    expect(agg('avg', 'int4')).toBe('avg numeric');
    expect(agg('avg', 'float4')).toBe('avg float8');
    expect(agg('stddev', 'int4')).toBe('stddev_samp numeric');
    expect(agg('variance', 'float8')).toBe('var_samp float8');
    expect(agg('max', 'varchar(5)')).toBe('max text');
    expect(agg('min', 'bpchar(5)')).toBe('min bpchar');
    expect(agg('every', 'bool')).toBe('bool_and bool');
    expect(agg('string_agg', 'varchar(3)', 'unknown')).toBe('string_agg text');
    expect(agg('count', 'text')).toBe('count int8');
    expect(agg('sum', 'text')).toBe('42883 function sum(text) does not exist');
    expect(agg('max', 'bool')).toBe('42883 function max(boolean) does not exist');
    expect(resolveAggregate('count', [], true)).toEqual({
      name: 'count_star',
      argTypes: [],
      returns: { kind: 'int8' },
    });
    expect(isAggregateName('toString')).toBe(false);
  });
});

test('every function is found by its id, and ids are unique', () => {
  const ids = new Set(allFunctions().map((d) => d.id));
  expect(ids.size).toBe(allFunctions().length);
  for (const def of allFunctions()) expect(functionById(def.id)).toBe(def);
});

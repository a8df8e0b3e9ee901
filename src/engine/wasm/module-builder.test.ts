import { expect, test } from 'vitest';
import { ModuleBuilder } from './module-builder.js';

test('a module with memory, loop, local calls and an import runs', () => {
  const m = new ModuleBuilder();
  m.importMemory(1, 65536);
  const seen: number[] = [];
  const note = m.importFunction('host', 'note', ['i32'], []);
  const add = m.func(['i64', 'i64'], ['i64']);
  add.get(add.params[0]!).get(add.params[1]!).op('i64.add');
  const sum = m.func(['i32', 'i32'], ['i64'], 'sum');
  const [base, n] = sum.params as [never, never];
  const i = sum.local('i32');
  const acc = sum.local('i64');
  sum.while(
    () => sum.get(i).get(n).op('i32.lt_u'),
    () => {
      sum
        .get(acc)
        .get(base)
        .get(i)
        .i32(3)
        .op('i32.shl')
        .op('i32.add')
        .mem('i64.load', 16)
        .call(add.func)
        .set(acc);
      sum.get(i).i32(1).op('i32.add').set(i);
    },
  );
  sum.get(i).call(note).get(acc);
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 65536, shared: true });
  new BigInt64Array(memory.buffer).set([5n, -7n, 1n << 40n], 2);
  const instance = new WebAssembly.Instance(new WebAssembly.Module(m.encode()), {
    env: { memory },
    host: { note: (x: number) => seen.push(x) },
  });
  expect((instance.exports.sum as (b: number, n: number) => bigint)(0, 3)).toBe((1n << 40n) - 2n);
  expect(seen).toEqual([3]);
});

import { expect, test } from 'vitest';
import { RowRandom, RowRandom64 } from './random.js';

test('draws are those of the minimal standard generator', () => {
  // Park and Miller's own check: from seed 1, the 10,000th draw.
  const random = new RowRandom(1);
  let last = 0;
  for (let i = 0; i < 10_000; i++) last = random.next();
  expect(last).toBe(1043618065);
});

test('every draw agrees with exact arithmetic', () => {
  const random = new RowRandom(2147483646);
  let expected = 2147483646n;
  for (let i = 0; i < 100_000; i++) {
    expected = (expected * 16807n) % 2147483647n;
    expect(BigInt(random.next())).toBe(expected);
  }
});

test.each([RowRandom, RowRandom64])('%o: skipping rows is the same as going through them', (Random) => {
  for (const drawsPerRow of [1, 7, 92]) {
    const walked = new Random(1808217256, drawsPerRow);
    for (let row = 0; row < 1234; row++) walked.nextRow();
    const skipped = new Random(1808217256, drawsPerRow);
    skipped.skipRows(1000);
    skipped.skipRows(234);
    expect(skipped.uniform(1, 1e9)).toBe(walked.uniform(1, 1e9));
  }
});

test('a row starts at the same place however many draws the row before it used', () => {
  const used = new RowRandom(209208115, 7);
  for (let i = 0; i < 5; i++) used.next();
  used.nextRow();
  const unused = new RowRandom(209208115, 7);
  unused.nextRow();
  expect(used.next()).toBe(unused.next());
});

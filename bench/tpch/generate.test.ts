import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PUBLISHED_CHECKSUMS, SHA256_AT_SCALE_001 } from './checksums.js';
import { parseDistributions } from './distributions.js';
import { generateAll, generateTable, tableChunks } from './generate.js';
import { assertScale, type Part, rowCount, TPCH_TABLES, type TpchTable, WHOLE } from './scale.js';

async function bytesOf(table: TpchTable, scale: number, part: Part = WHOLE): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of tableChunks(table, scale, part)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function linesOf(table: TpchTable, scale: number, part: Part = WHOLE): Promise<string[]> {
  const text = (await bytesOf(table, scale, part)).toString('latin1');
  expect(text.endsWith('\n')).toBe(true);
  return text.slice(0, -1).split('\n');
}

const hash = (algorithm: string, bytes: Buffer): string => createHash(algorithm).update(bytes).digest('hex');

describe('against published checksums', () => {
  test.each(TPCH_TABLES)('%s', async (table) => {
    for (const [scale, part, parts, md5] of PUBLISHED_CHECKSUMS[table]) {
      expect(`${scale} ${hash('md5', await bytesOf(table, scale, { part, parts }))}`).toBe(`${scale} ${md5}`);
    }
  });
});

describe('scale factor 0.01', () => {
  test.each(TPCH_TABLES)('%s', async (table) => {
    expect(hash('sha256', await bytesOf(table, 0.01))).toBe(SHA256_AT_SCALE_001[table]);
  });

  // First and last rows of the C program's files, as published in the test data of Hyrise and of Trino.
  test.each<[TpchTable, number, string]>([
    [
      'customer',
      0,
      '1|Customer#000000001|IVhzIApeRb ot,c,E|15|25-989-741-2988|711.56|BUILDING|to the even, regular platelets. regular, ironic epitaphs nag e|',
    ],
    [
      'customer',
      -9,
      '1492|Customer#000001492|2QNz4Zy0UjjI|1|11-527-949-4092|-875.17|HOUSEHOLD| blithely even accounts. furiously final instructions across the decoys cajo|',
    ],
    [
      'customer',
      -1,
      '1500|Customer#000001500|4zaoUzuWUTNFiNPbmu43|5|15-200-872-4790|6910.79|MACHINERY|s boost blithely above the fluffily ironic dolphins! ironic accounts|',
    ],
    [
      'part',
      0,
      '1|goldenrod lavender spring chocolate lace|Manufacturer#1|Brand#13|PROMO BURNISHED COPPER|7|JUMBO PKG|901.00|ly. slyly ironi|',
    ],
    [
      'part',
      -1,
      '2000|wheat blush green puff tan|Manufacturer#1|Brand#12|PROMO ANODIZED STEEL|46|SM BAG|902.00|ajole carefully|',
    ],
    [
      'partsupp',
      -1,
      '2000|33|8414|798.67|yly ironic dependencies. blithely final theodolites sleep. furiously ironic accounts wake carefully across the express, regular requests. carefully regul|',
    ],
    [
      'orders',
      -4,
      '59973|229|O|230718.14|1995-11-16|5-LOW|Clerk#000000891|0|lyly among the furiously fluffy theodolites. carefully f|',
    ],
    [
      'supplier',
      0,
      '1|Supplier#000000001| N kD4on9OM Ipw3,gf0JBoQDd7tgrzrddZ|17|27-918-335-1736|5755.94|each slyly above the careful|',
    ],
    [
      'region',
      0,
      '0|AFRICA|lar deposits. blithely final packages cajole. regular waters are final requests. regular accounts are according to |',
    ],
    [
      'nation',
      24,
      '24|UNITED STATES|1|y final packages. slow foxes cajole quickly. quickly silent platelets breach ironic accounts. unusual pinto be|',
    ],
    [
      'lineitem',
      0,
      '1|1552|93|1|17|24710.35|0.04|0.02|N|O|1996-03-13|1996-02-12|1996-03-22|DELIVER IN PERSON|TRUCK|egular courts above the|',
    ],
  ])('%s row %d', async (table, row, line) => {
    expect((await linesOf(table, 0.01)).at(row)).toBe(line);
  });
});

describe('parts', () => {
  test.each(TPCH_TABLES)('%s: parts together are the whole', async (table) => {
    const whole = await bytesOf(table, 0.01);
    for (const parts of [2, 3, 7, 64, 101]) {
      const pieces: Buffer[] = [];
      for (let part = 1; part <= parts; part++) pieces.push(await bytesOf(table, 0.01, { part, parts }));
      expect(Buffer.concat(pieces).equals(whole)).toBe(true);
    }
  });

  test('more parts than rows', async () => {
    const pieces: Buffer[] = [];
    for (let part = 1; part <= 9; part++) pieces.push(await bytesOf('region', 1, { part, parts: 9 }));
    expect(Buffer.concat(pieces).equals(await bytesOf('region', 1))).toBe(true);
  });

  test('a part that is not there', async () => {
    await expect(bytesOf('part', 0.01, { part: 0, parts: 4 })).rejects.toThrow(/part 0 of 4/);
    await expect(bytesOf('part', 0.01, { part: 5, parts: 4 })).rejects.toThrow(/part 5 of 4/);
  });
});

describe('scale factors', () => {
  test('rows', () => {
    expect(TPCH_TABLES.map((table) => rowCount(table, 1))).toEqual([
      5, 25, 10_000, 150_000, 200_000, 800_000, 1_500_000, 6_001_215,
    ]);
    expect(rowCount('lineitem', 0.01)).toBe(60_175);
    expect(rowCount('lineitem', 0.1)).toBe(600_572);
    expect(rowCount('supplier', 0.001)).toBe(10);
    expect(rowCount('orders', 100)).toBe(150_000_000);
  });

  test.each(TPCH_TABLES)('%s: as many rows as were promised', async (table) => {
    for (const scale of [0.001, 0.029])
      expect(await linesOf(table, scale)).toHaveLength(rowCount(table, scale));
  });

  test.each([0, -1, 1.5, 0.0005, 0.0123, Number.NaN, Number.POSITIVE_INFINITY, 200_000])(
    '%d is refused',
    (scale) => {
      expect(() => assertScale(scale)).toThrow(/scale factor/);
    },
  );
});

describe('generateTable', () => {
  test('waits for its sink, and chunks are whole rows that can be kept', async () => {
    const chunks: Uint8Array[] = [];
    let busy = false;
    await generateTable('lineitem', 0.01, WHOLE, async (chunk) => {
      expect(busy).toBe(false);
      busy = true;
      await new Promise((resolve) => setTimeout(resolve, 1));
      expect(chunk.at(-1)).toBe(0x0a);
      chunks.push(chunk);
      busy = false;
    });
    expect(chunks.length).toBeGreaterThan(1);
    expect(hash('sha256', Buffer.concat(chunks))).toBe(SHA256_AT_SCALE_001.lineitem);
  });
});

describe('generateAll', () => {
  let dir: string;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'mpp-tpch-'));
  });
  afterAll(() => rm(dir, { recursive: true, force: true }));

  // Workers need the compiled worker.js; without a build this generates here, and the files are the same.
  test.each([0, 2])('files, with %d workers', async (workers) => {
    const outDir = join(dir, `${workers}`);
    const parts: number[] = [];
    const sizes = await generateAll({
      scale: 0.02,
      outDir,
      workers,
      onProgress: ({ partsDone }) => parts.push(partsDone),
    });
    expect(parts).toEqual(Array.from(parts, (_, i) => i + 1));
    for (const table of TPCH_TABLES) {
      const file = await readFile(join(outDir, `${table}.tbl`));
      expect(sizes.get(table)).toBe(file.length);
      expect(hash('sha256', file)).toBe(hash('sha256', await bytesOf(table, 0.02)));
    }
  });

  test('a folder that cannot be made', async () => {
    await expect(generateAll({ scale: 0.01, outDir: '/dev/null/x', workers: 0 })).rejects.toThrow();
  });
});

describe('dists.dss', () => {
  test('a list that is not as long as it says is refused', () => {
    expect(() => parseDistributions('begin x\ncount|2\na|1\nend x\n')).toThrow(/bad distribution x/);
  });
});

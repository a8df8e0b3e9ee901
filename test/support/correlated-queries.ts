/** Queries that need every corner of subquery removal and staged aggregates, and the tables and layouts they run on. */

const ROWS_E = Array.from(
  { length: 23 },
  (_, i) =>
    `(${i % 7 === 3 ? 'NULL' : i % 5}, ${i}, ${(i * 37) % 11}, ${i % 4 === 1 ? 'NULL' : `'n${i % 3}'`})`,
);
const ROWS_F = Array.from(
  { length: 17 },
  (_, i) => `(${i % 6}, ${i % 8 === 2 ? 'NULL' : (i * 13) % 9}, '${'xyz'[i % 3]}')`,
);

export const statements = (e: string, f: string): string[] => [
  'DROP TABLE IF EXISTS e',
  'DROP TABLE IF EXISTS f',
  `CREATE TABLE e (a int, id int, v int, n text) ${e}`,
  `CREATE TABLE f (k int, w int, t text) ${f}`,
  `INSERT INTO e VALUES ${ROWS_E.join(', ')}`,
  `INSERT INTO f VALUES ${ROWS_F.join(', ')}`,
];

export const QUERIES = [
  // EXISTS, IN, quantified, in WHERE and elsewhere
  'SELECT id FROM e WHERE EXISTS (SELECT 1 FROM f WHERE k = a)',
  'SELECT id FROM e WHERE NOT EXISTS (SELECT 1 FROM f WHERE k = a AND w > v)',
  'SELECT id FROM e WHERE a IN (SELECT w FROM f)',
  'SELECT id FROM e WHERE a NOT IN (SELECT w FROM f)',
  'SELECT id FROM e WHERE a NOT IN (SELECT w FROM f WHERE w IS NOT NULL)',
  'SELECT id FROM e WHERE a NOT IN (SELECT w FROM f WHERE k = id)',
  'SELECT id FROM e WHERE (a, v) IN (SELECT k, w FROM f)',
  'SELECT id FROM e WHERE (a, v) NOT IN (SELECT k, w FROM f)',
  'SELECT id, a IN (SELECT w FROM f) AS x FROM e',
  'SELECT id, a NOT IN (SELECT w FROM f WHERE k < id) AS x FROM e',
  'SELECT id, (a, v) NOT IN (SELECT k, w FROM f) AS x FROM e',
  'SELECT id, v > ALL (SELECT w FROM f WHERE k = a) AS x, v < ANY (SELECT w FROM f) AS y FROM e',
  'SELECT id FROM e WHERE v <= ALL (SELECT w FROM f WHERE k > a)',
  'SELECT id FROM e WHERE EXISTS (SELECT 1 FROM f WHERE k = a) OR v = 3',
  'SELECT id, CASE WHEN EXISTS (SELECT 1 FROM f WHERE k = a) THEN 1 ELSE 0 END FROM e',
  'SELECT id FROM e WHERE EXISTS (SELECT count(*) FROM f WHERE k = a)',
  'SELECT id FROM e WHERE EXISTS (SELECT k FROM f WHERE k = a GROUP BY k HAVING count(*) > 2)',
  'SELECT id FROM e WHERE EXISTS (SELECT 1 FROM f WHERE k = a LIMIT 1)',
  'SELECT id FROM e WHERE EXISTS (SELECT 1 FROM f WHERE k = a OFFSET 2)',
  // scalars
  'SELECT id, (SELECT max(w) FROM f) FROM e',
  'SELECT id, (SELECT count(*) FROM f WHERE k = a) FROM e',
  'SELECT id, (SELECT sum(w) FROM f WHERE k = a AND w <> v) FROM e',
  'SELECT id, (SELECT coalesce(sum(w), 0) + count(*) FROM f WHERE k = a) FROM e',
  'SELECT id, (SELECT count(*) FROM f WHERE k < a) FROM e',
  'SELECT id, (SELECT sum(w) + e.v FROM f WHERE k = a) FROM e',
  'SELECT id, (SELECT sum(w + e.v) FROM f WHERE k = a) FROM e',
  'SELECT id, (SELECT count(*) FILTER (WHERE w > e.v) FROM f WHERE k = a) FROM e',
  'SELECT id, (SELECT count(*) FROM f WHERE k = a HAVING count(*) > 2) FROM e',
  'SELECT id, (SELECT w FROM f WHERE k = a ORDER BY w DESC NULLS LAST, t LIMIT 1) FROM e',
  'SELECT id, (SELECT w FROM f WHERE k = a ORDER BY w, t OFFSET 1 LIMIT 1) FROM e',
  'SELECT id, (SELECT v + k FROM f WHERE k = id) FROM e WHERE id < 6 AND id NOT IN (SELECT k FROM f GROUP BY k HAVING count(*) > 1)',
  'SELECT id FROM e WHERE v > (SELECT avg(w) FROM f WHERE k = a)',
  'SELECT id FROM e WHERE v > (SELECT avg(w) FROM f WHERE k = a) AND v < (SELECT max(w) + 3 FROM f)',
  'SELECT a, sum(v) FROM e GROUP BY a HAVING sum(v) > (SELECT sum(w) FROM f WHERE k = a)',
  'SELECT id FROM e ORDER BY (SELECT count(*) FROM f WHERE k = a), id LIMIT 5',
  'SELECT sum((SELECT count(*) FROM f WHERE k = a)) FROM e',
  'SELECT id, ARRAY(SELECT k FROM f WHERE k = a ORDER BY k) FROM e',
  // nesting
  'SELECT id FROM e WHERE EXISTS (SELECT 1 FROM f WHERE k = a AND EXISTS (SELECT 1 FROM e e2 WHERE e2.v = f.w AND e2.id <> e.id))',
  'SELECT id, (SELECT count(*) FROM f WHERE k = a AND w > (SELECT avg(v) FROM e e2 WHERE e2.a = e.a AND e2.id < f.w + 10)) FROM e',
  'SELECT id FROM e WHERE v IN (SELECT w FROM f WHERE t IN (SELECT t FROM f f2 WHERE f2.k = e.a))',
  'SELECT id, (SELECT max(x) FROM (SELECT w AS x FROM f WHERE k = a UNION ALL SELECT e.v) u) FROM e',
  'SELECT id, (SELECT count(*) FROM (SELECT k FROM f WHERE k > a UNION SELECT w FROM f WHERE w > a) u) FROM e',
  'SELECT id, (SELECT count(*) FROM (SELECT k FROM f WHERE k > a INTERSECT SELECT w FROM f WHERE w < e.v) u) FROM e',
  'SELECT id, (SELECT count(*) FROM (SELECT k FROM f EXCEPT ALL SELECT w FROM f WHERE w < e.v) u) FROM e',
  'SELECT id, (SELECT count(*) FROM f LEFT JOIN e e2 ON e2.id = f.w AND e2.v > e.v WHERE k = e.a) FROM e',
  'SELECT id, (SELECT count(e2.id) FROM f LEFT JOIN e e2 ON e2.id = f.w AND e2.v > e.v) FROM e',
  'SELECT id, (SELECT count(*) FROM (SELECT * FROM f WHERE k = e.a) f1 FULL JOIN (SELECT * FROM e e2 WHERE e2.v = e.v) e3 ON f1.w = e3.id) FROM e',
  'SELECT id, (SELECT count(*) FROM f WHERE w NOT IN (SELECT v FROM e e2 WHERE e2.a = e.a)) FROM e',
  'SELECT id, (SELECT count(*) FROM (SELECT DISTINCT t FROM f WHERE k > a) d) FROM e',
  'SELECT id, (SELECT count(DISTINCT t) FROM f WHERE k > a) FROM e',
  'SELECT id FROM e WHERE id IN (SELECT e2.id FROM e e2 JOIN f ON f.k = e2.a AND f.w = e.v)',
  // DISTINCT beside others
  'SELECT count(*), count(DISTINCT a), sum(DISTINCT v), max(v) FROM e',
  'SELECT count(*), count(DISTINCT a), count(DISTINCT n), avg(v) FROM e JOIN f ON k = a',
  'SELECT count(DISTINCT a) FILTER (WHERE v > 3), count(DISTINCT v), count(n) FROM e WHERE id > 4',
  'SELECT n, count(*), count(DISTINCT a), sum(DISTINCT v) FROM e GROUP BY n',
  "SELECT string_agg(DISTINCT t, ',' ORDER BY t), count(DISTINCT k), count(*) FROM f",
  'SELECT id, (SELECT count(DISTINCT w) + count(*) FROM f WHERE k > a) FROM e',
  // aggregates over joins, one side counted before the join
  'SELECT f.k, count(e.id), sum(e.v), min(e.v), max(e.n) FROM f LEFT JOIN e ON e.a = f.k GROUP BY f.k',
  'SELECT f.w, count(*), count(e.n), sum(e.v), sum(e.v::numeric(8,2)), sum(e.id::bigint) FROM f JOIN e ON e.a = f.k GROUP BY f.w',
  'SELECT f.t, f.k, count(e.id) FROM e JOIN f ON e.a = f.k GROUP BY f.t, f.k HAVING sum(e.v) > 10',
  // LATERAL
  'SELECT id, x.c FROM e, LATERAL (SELECT count(*) AS c FROM f WHERE k = a) x',
  'SELECT id, x.w FROM e, LATERAL (SELECT w FROM f WHERE k = a) x',
  'SELECT id, x.w FROM e LEFT JOIN LATERAL (SELECT w FROM f WHERE k = a AND w > v) x ON true',
  'SELECT id, x.w FROM e LEFT JOIN LATERAL (SELECT w FROM f WHERE k = a) x ON x.w > v',
  'SELECT id, x.w, x.t FROM e, LATERAL (SELECT w, t FROM f WHERE k >= a ORDER BY w DESC NULLS LAST, t, k LIMIT 3) x',
  'SELECT id, x.w, x.t FROM e LEFT JOIN LATERAL (SELECT w, t FROM f WHERE k = a ORDER BY t, w NULLS FIRST OFFSET 1 LIMIT 2) x ON true',
  'SELECT id, x.y FROM e, LATERAL (VALUES (a), (v), (id)) x(y)',
  'SELECT id, x.y, z.c FROM e, LATERAL (SELECT a + v AS y) x, LATERAL (SELECT count(*) AS c FROM f WHERE k < x.y) z',
  'SELECT id, x.s FROM e LEFT JOIN LATERAL (SELECT sum(w) AS s FROM f WHERE k = a HAVING sum(w) > 5) x ON true',
  'SELECT id, x.s FROM e JOIN LATERAL (SELECT sum(w) AS s FROM f WHERE k = a HAVING sum(w) > 5) x ON x.s < 30',
  'SELECT id, x.k FROM e, LATERAL (SELECT DISTINCT ON (t) k, t FROM f WHERE k <> a ORDER BY t, w NULLS LAST, k) x',
  'SELECT id, g FROM e, LATERAL generate_series(1, v) g WHERE id < 8',
  // in join conditions
  'SELECT e.id, f.w FROM e JOIN f ON f.k = e.a AND EXISTS (SELECT 1 FROM e e2 WHERE e2.v = f.w)',
  'SELECT e.id, f.w FROM e LEFT JOIN f ON f.k = e.a AND f.w IN (SELECT v FROM e e2)',
  'SELECT e.id, f.w FROM e LEFT JOIN f ON f.k = e.a AND e.v IN (SELECT v FROM e e2 WHERE e2.id < f.k)',
  'SELECT e.id, f.w FROM f RIGHT JOIN e ON f.k = e.a AND f.w = (SELECT max(w) FROM f f2 WHERE f2.k = e.a)',
  // no FROM, VALUES, set operations
  'SELECT (SELECT count(*) FROM e), EXISTS (SELECT 1 FROM f WHERE w > 100)',
  'VALUES ((SELECT count(*) FROM e)), ((SELECT max(w) FROM f))',
  'SELECT id FROM e WHERE a = 1 UNION SELECT k FROM f WHERE EXISTS (SELECT 1 FROM e WHERE v = k)',
  'SELECT * FROM (SELECT a, count(*) AS c FROM e GROUP BY a) g WHERE c > (SELECT count(*) FROM f WHERE k = g.a)',
  'SELECT * FROM (SELECT * FROM e ORDER BY id LIMIT 7) l WHERE EXISTS (SELECT 1 FROM f WHERE k > l.a)',
  'WITH x AS (SELECT a, sum(v) AS s FROM e GROUP BY a) SELECT id FROM e WHERE v < (SELECT s FROM x WHERE x.a = e.a)',
];

export const LAYOUTS = [
  { name: 'by key', e: 'DISTRIBUTED BY (a)', f: 'DISTRIBUTED BY (k)', segments: 3 },
  {
    name: 'by another key and replicated',
    e: 'DISTRIBUTED BY (id)',
    f: 'DISTRIBUTED REPLICATED',
    segments: 3,
  },
  { name: 'strewn', e: 'DISTRIBUTED RANDOMLY', f: 'DISTRIBUTED RANDOMLY', segments: 2 },
  { name: 'replicated and by key', e: 'DISTRIBUTED REPLICATED', f: 'DISTRIBUTED BY (w)', segments: 3 },
  { name: 'one segment', e: 'DISTRIBUTED BY (a)', f: 'DISTRIBUTED RANDOMLY', segments: 1 },
];

/**
 * Finds the TPC's own files (`data/`), which the compiler does not copy to `dist/`.
 */
import { existsSync, readFileSync } from 'node:fs';

// From source the folder is beside us; from dist/bench/tpch it is three levels up.
const FOLDERS = ['./data/', '../../../bench/tpch/data/'].map((path) => new URL(path, import.meta.url));

/** Text of a file of `bench/tpch/data`, such as `dists.dss` or `answers/q1.out`. */
export function readDataFile(name: string): string {
  for (const folder of FOLDERS) {
    const file = new URL(name, folder);
    if (existsSync(file)) return readFileSync(file, 'latin1');
  }
  throw new Error(`TPC-H data file ${name} not found beside ${import.meta.url}`);
}

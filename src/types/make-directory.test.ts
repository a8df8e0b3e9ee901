import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { makeDirectory } from './make-directory.js';

const dir = mkdtempSync(join(tmpdir(), 'mpp-dirs-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

test('makes what is missing and takes what is there', () => {
  makeDirectory(join(dir, 'a', 'b', 'c'));
  makeDirectory(join(dir, 'a', 'b'));
  expect(statSync(join(dir, 'a', 'b', 'c')).isDirectory()).toBe(true);
});

test('says what is wrong with any other place', () => {
  writeFileSync(join(dir, 'file'), '');
  symlinkSync(join(dir, 'nowhere'), join(dir, 'dangling'));
  expect(() => makeDirectory(join(dir, 'file'))).toThrow(/EEXIST/);
  expect(() => makeDirectory(join(dir, 'file', 'x'))).toThrow(/ENOTDIR/);
  expect(() => makeDirectory(join(dir, 'dangling'))).toThrow(/EEXIST/);
  expect(() => makeDirectory(join(dir, 'x'.repeat(300)))).toThrow(/ENAMETOOLONG/);
});

test.runIf(existsSync('/proc/self'))('mpp init in /proc is one line and status 1', () => {
  const mpp = join(import.meta.dirname, '../../dist/src/client/mpp.js');
  const tried = (path: string): string => {
    try {
      execFileSync(process.execPath, [mpp, 'init', '--data', path, '--segments', '2'], {
        timeout: 20_000,
        stdio: 'pipe',
      });
      return 'made';
    } catch (e) {
      const { status, stderr } = e as { status: number; stderr: Buffer };
      return `${status} ${stderr.toString()}`;
    }
  };
  expect(tried('/proc/x')).toMatch(/^1 mpp: cannot make a cluster in \/proc\/x: ENOENT[^\n]*\n$/);
  expect(tried('/dev/null/x')).toMatch(/^1 mpp: cannot make a cluster in \/dev\/null\/x: ENOTDIR[^\n]*\n$/);
});

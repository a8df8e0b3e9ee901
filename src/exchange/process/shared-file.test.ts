import { execFileSync } from 'node:child_process';
import { appendFileSync, copyFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type FileIdentity, identify, openSame } from './shared-file.js';

let dir: string;
let path: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'mpp-shared-file-'));
  path = join(dir, 'lines');
  writeFileSync(path, '1\n2\n');
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

async function identityOf(file: string): Promise<FileIdentity | undefined> {
  const handle = await open(file);
  try {
    return await identify(handle, file);
  } finally {
    await handle.close();
  }
}

async function content(wanted: FileIdentity): Promise<string | undefined> {
  const file = await openSame(wanted);
  try {
    return await file?.readFile('utf8');
  } finally {
    await file?.close();
  }
}

describe.runIf(process.platform === 'linux')('a shared file', () => {
  it('is opened again by its identity', async () => {
    expect(await content((await identityOf(path))!)).toBe('1\n2\n');
  });

  it('is not another file at its path, nor itself after a change', async () => {
    const id = (await identityOf(path))!;
    appendFileSync(path, '3\n');
    expect(await content(id)).toBeUndefined();
    const changed = (await identityOf(path))!;
    copyFileSync(path, join(dir, 'copy'));
    renameSync(join(dir, 'copy'), path);
    expect(await content(changed)).toBeUndefined();
    rmSync(path);
    expect(await content(changed)).toBeUndefined();
  });

  it('is not one of another kernel with the same numbers', async () => {
    const id = (await identityOf(path))!;
    expect(await content({ ...id, bootId: '00000000-0000-0000-0000-000000000000' })).toBeUndefined();
  });

  it('is a regular file; a pipe at its path is not waited for', async () => {
    expect(await identityOf(dir)).toBeUndefined();
    const id = (await identityOf(path))!;
    rmSync(path);
    execFileSync('mkfifo', [path]);
    expect(await content(id)).toBeUndefined();
  });
});

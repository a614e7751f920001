import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { readJson, writeJsonAtomic } from './atomic-file.ts';
import { forgetReserve, keepReserve } from './reserve.ts';

const root = process.getuid?.() === 0;
if (!root) console.warn('SKIPPED: a small disk needs root to be mounted; the reserve is not tested');

test.skipIf(!root)(
  'on a full disk a record can still be written, and the reserve comes back when there is room',
  () => {
    const folder = mkdtempSync(join(tmpdir(), 'storky-reserve-'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16m', 'storky-test', folder]);
    onTestFinished(() => {
      forgetReserve(folder);
      execFileSync('umount', [folder]);
      rmSync(folder, { recursive: true });
    });
    const record = join(folder, 'record.json');
    writeJsonAtomic(record, { n: 1 });
    keepReserve(folder);
    const fill = (name: string) => {
      const { bavail, bsize } = statfsSync(folder);
      writeFileSync(join(folder, name), Buffer.alloc(bavail * bsize, 1));
    };
    fill('a');
    expect(() => writeFileSync(join(folder, 'other'), 'x')).toThrow(/ENOSPC/);
    writeJsonAtomic(record, { n: 2 });
    expect(readJson(record)).toEqual({ n: 2 });

    rmSync(join(folder, 'a'));
    keepReserve(folder);
    fill('b');
    writeJsonAtomic(record, { n: 3 });
    fill('c');
    // Nothing is left to give up: the old record stays whole.
    expect(() => writeJsonAtomic(record, { n: 4 })).toThrow(/ENOSPC/);
    expect(JSON.parse(readFileSync(record, 'utf8'))).toEqual({ n: 3 });
  },
);

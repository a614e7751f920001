import { execFile } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { NotOnDisk } from './not-on-disk.ts';
import { Rooted } from './rooted.ts';
import { Unsynced } from './unsynced.ts';

const run = promisify(execFile);
const here = import.meta.dirname;

test('what failed to be flushed is not forgotten: it fails again, with its name', async () => {
  // A file system that refuses to sync, in every Linux.
  const unsynced = new Unsynced(new Rooted('/proc/self'));
  unsynced.add('status');
  for (let times = 0; times < 2; times++) {
    const error = await unsynced.flush().then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(NotOnDisk);
    expect((error as NotOnDisk).paths).toEqual(['status']);
  }
});

const withoutHandles = `
  import * as fs from 'node:fs';
  import { Rooted } from '${here}/rooted.ts';
  import { Unsynced } from '${here}/unsynced.ts';
  const unsynced = new Unsynced(new Rooted(process.argv[1]));
  unsynced.add('file');
  const held = [];
  try { for (;;) held.push(fs.openSync('/dev/null')); } catch {}
  const flushed = () => unsynced.flush().then(() => 'flushed', (error) => error.code);
  const first = await flushed();
  for (const fd of held) fs.closeSync(fd);
  console.log(first, await flushed());
`;

test('what cannot be opened, since the process has no handle left, is not called flushed', async () => {
  const folder = fs.mkdtempSync(join(tmpdir(), 'storky-unsynced-'));
  fs.writeFileSync(join(folder, 'file'), 'content');
  const script = ['--input-type=module', '-e', withoutHandles, folder];
  const { stdout } = await run('sh', ['-c', 'ulimit -n 60; exec "$@"', 'sh', process.execPath, ...script]);
  expect(stdout).toBe('EMFILE flushed\n');
  fs.rmSync(folder, { recursive: true });
});

test.each(['while following', 'in the freeze'])(
  'a file whose sync fails %s is sent anew and synced before the marker is acknowledged',
  async (when) => {
    const folder = fs.mkdtempSync(join(tmpdir(), 'storky-failing-disk-'));
    const [base, trace] = [join(folder, 'rig'), join(folder, 'trace')];
    fs.mkdirSync(base);
    const failing = ['-e', 'trace=fsync', '-P', join(base, 'to', 'late'), '-e', 'inject=fsync:error=EIO:when=1'];
    const program = [process.execPath, join(here, 'failing-disk.test-support.ts'), base, when];
    const { stdout } = await run('strace', ['-f', '--seccomp-bpf', '-o', trace, ...failing, ...program], {
      // One thread syncs, so that one sync fails.
      env: { ...process.env, UV_THREADPOOL_SIZE: '1' },
    });
    const { attempts, equal, sent } = JSON.parse(stdout) as { attempts: number; equal: boolean; sent: number };
    expect(equal).toBe(true);
    expect(attempts).toBeLessThan(8);
    expect(sent).toBeGreaterThanOrEqual(2);
    const outcomes = [...fs.readFileSync(trace, 'utf8').matchAll(/= (0|-1 \w+)/g)].map(([, outcome]) => outcome);
    expect(outcomes[0]).toBe('-1 EIO');
    expect(outcomes.at(-1)).toBe('0');
    fs.rmSync(folder, { recursive: true });
  },
  90_000,
);

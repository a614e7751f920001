import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { tempFolder } from '../../test/support/temp-folder.ts';
import { waitFor } from '../../test/support/wait-for.ts';

const module = fileURLToPath(new URL('failpoint.ts', import.meta.url));
const program = `const { failpoint } = await import(${JSON.stringify(module)}); failpoint('here'); failpoint('there'); console.log('alive');`;
const command = ['--input-type=module', '-e', program];
const environment = (more: Record<string, string | undefined>) => ({ ...process.env, NODE_OPTIONS: '', ...more });
const runWith = (point?: string) =>
  spawnSync(process.execPath, command, { env: environment({ STORKY_FAILPOINT: point }), encoding: 'utf8' });

it('ends the process at the point that the environment names, and nowhere else', () => {
  expect(runWith()).toMatchObject({ status: 0, stdout: 'alive\n' });
  expect(runWith('elsewhere')).toMatchObject({ status: 0, stdout: 'alive\n' });
  expect(runWith('there')).toMatchObject({ signal: 'SIGKILL', stdout: '', stderr: 'killed at the failpoint there\n' });
});

it('stands still at a point for as long as there is a file of its name', async () => {
  const folder = tempFolder('points');
  writeFileSync(join(folder, 'there'), '');
  const child = spawn(process.execPath, command, { env: environment({ STORKY_FAILPOINTS: folder }) });
  let output = '';
  child.stdout.on('data', (text) => {
    output += text;
  });
  const reached = join(folder, 'there.reached');
  await waitFor(() => existsSync(reached) && readFileSync(reached, 'utf8') === String(child.pid));
  await sleep(100);
  expect({ output, exitCode: child.exitCode }).toEqual({ output: '', exitCode: null });
  rmSync(join(folder, 'there'));
  expect(await once(child, 'close')).toEqual([0, null]);
  expect(output).toBe('alive\n');
});

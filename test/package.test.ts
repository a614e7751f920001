import { execFile } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { projectRoot } from './support/spawned.ts';
import { tempFolder } from './support/temp-folder.ts';

const run = promisify(execFile);

test('npm pack makes a package that installs, and whose storky runs without the sources', async () => {
  const folder = tempFolder('package');
  await run('npm', ['pack', '--silent', '--pack-destination', folder], { cwd: projectRoot });
  const [tarball] = readdirSync(folder);
  writeFileSync(join(folder, 'package.json'), '{ "private": true }');
  await run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', `./${tarball}`], { cwd: folder });

  const storky = join(folder, 'node_modules/.bin/storky');
  const { stdout } = await run(process.execPath, [storky, '--help'], { cwd: folder });
  expect(stdout).toContain('migration-create');
  const inside = readdirSync(join(folder, 'node_modules/storky'));
  expect(inside).toEqual(expect.arrayContaining(['LICENSE', 'bin', 'dist', 'examples', 'package.json']));
  expect(inside).not.toContain('src');
});

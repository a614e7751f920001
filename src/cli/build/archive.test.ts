import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { type Archive, packFolder } from './archive.ts';

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

const { signal } = new AbortController();

function folder(files: Record<string, string>, order = Object.keys(files)): string {
  const path = mkdtempSync(join(tmpdir(), 'storky-archive-'));
  folders.push(path);
  for (const name of order) {
    mkdirSync(join(path, name, '..'), { recursive: true, mode: 0o755 });
    writeFileSync(join(path, name), files[name]!, { mode: 0o644 });
  }
  chmodSync(path, 0o755);
  return path;
}

async function packed(path: string, trees: Parameters<typeof packFolder>[1] = []) {
  const archive: Archive = await packFolder(path, trees, signal);
  const names = execFileSync('tar', ['-tzf', archive.path], { encoding: 'utf8' }).trim().split('\n');
  await archive.remove();
  return {
    sha256: archive.sha256,
    names: names.filter((name) => !name.endsWith('/')).map((name) => name.slice(2)),
  };
}

test('the same files give the same digest, in whatever order, place and time they were made', async () => {
  const files = { 'b.js': '2', 'a.js': '1', 'lib/Z.js': '3', 'lib/é.js': '4', [`lib/${'long'.repeat(40)}.js`]: '5' };
  const one = folder(files);
  const two = folder(files, Object.keys(files).toReversed());
  for (const name of ['a.js', 'lib']) utimesSync(join(two, name), 1, 1);
  for (const each of [one, two]) symlinkSync('a.js', join(each, 'link'));
  const [first, second] = [await packed(one), await packed(two)];
  expect(second.sha256).toBe(first.sha256);
  writeFileSync(join(two, 'a.js'), '!');
  expect((await packed(two)).sha256).not.toBe(first.sha256);
});

test('.git, what .storkyignore names and the file trees stay out; node_modules goes along', async () => {
  const path = folder({
    '.git/HEAD': '',
    '.gitignore': '',
    '.storkyignore': '# comment\n\n*.log\ntmp/\n/top.txt\ndocs/*.md\n',
    'node_modules/x/index.js': '',
    'a.log': '',
    'lib/b.log': '',
    'lib/tmp/c': '',
    'top.txt': '',
    'lib/top.txt': '',
    'docs/a.md': '',
    'docs/sub/a.md': '',
    'uploads/1.png': '',
    'lib/uploads/code.js': '',
  });
  const { names } = await packed(path, [{ name: 'uploads', path: './uploads/', ignore: [] }]);
  expect(names.toSorted()).toEqual(
    [
      '.gitignore',
      '.storkyignore',
      'docs/sub/a.md',
      'lib/top.txt',
      'lib/uploads/code.js',
      'node_modules/x/index.js',
    ].toSorted(),
  );
});

test('a pattern that takes something in again is refused with its line', async () => {
  const path = folder({ '.storkyignore': '*.log\n!keep.log\n' });
  await expect(packFolder(path, [], signal)).rejects.toThrow('.storkyignore:2: a pattern cannot begin with !');
});

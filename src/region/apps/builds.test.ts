import {
  createReadStream,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { tempFolder } from '../../../test/support/temp-folder.ts';
import { unprivilegedAccount } from '../../base/account.ts';
import { AppStore } from './app-store.ts';
import { Builds } from './builds.ts';
import { pack, record } from './region.test-support.ts';
import { Releases } from './releases.ts';

function region() {
  const data = tempFolder('builds');
  const { paths } = new AppStore(data, 'osc-fr1');
  mkdirSync(paths.folder('shop'), { mode: 0o711 });
  const builds = new Builds(paths.builds);
  const releases = new Releases(paths, builds);
  const received = async ({ archive, sha256 }: { archive: string; sha256: string }, files: object[] = []) => {
    await builds.receive(sha256, createReadStream(archive));
    return record({ name: 'shop', build: { kind: 'archive', sha256, bytes: 1 }, files });
  };
  return { paths, builds, releases, received };
}

test('an archive whose hash is another is refused, and nothing of it stays', async () => {
  const { builds, paths } = region();
  await expect(builds.receive('a'.repeat(64), Readable.from(['something']))).rejects.toMatchObject({
    code: 'bad_request',
  });
  await expect(builds.receive('../../x', Readable.from(['something']))).rejects.toMatchObject({ code: 'bad_request' });
  expect(readdirSync(paths.builds)).toEqual([]);
});

test('an upload that breaks off leaves nothing', async () => {
  const { builds, paths } = region();
  const broken = Readable.from(
    (async function* () {
      yield Buffer.from('half');
      throw new Error('the line was cut');
    })(),
  );
  await expect(builds.receive('a'.repeat(64), broken)).rejects.toThrow('cut');
  expect(readdirSync(paths.builds)).toEqual([]);
});

test('a release is unpacked once, for the unprivileged account', async () => {
  const { releases, received } = region();
  const of = await received(pack({ 'web.js': 'one', 'lib/a.js': 'two' }));
  const folder = await releases.prepare('shop', of);
  expect(readFileSync(join(folder, 'lib/a.js'), 'utf8')).toBe('two');
  expect(statSync(join(folder, 'web.js')).uid).toBe(unprivilegedAccount()?.uid ?? process.getuid!());
  writeFileSync(join(folder, 'mark'), '');
  expect(await releases.prepare('shop', of)).toBe(folder);
  expect(existsSync(join(folder, 'mark'))).toBe(true);
});

test.each([
  ['a parent', ['.', '--transform=s,web.js,../evil.js,']],
  ['the root', ['.', '--transform=s,./web.js,/tmp/evil.js,']],
])('an archive that names %s is refused', async (_, tarArguments) => {
  const { releases, received, paths } = region();
  const of = await received(pack({ 'web.js': 'x' }, tarArguments));
  await expect(releases.prepare('shop', of)).rejects.toMatchObject({ code: 'bad_request' });
  expect(existsSync(paths.releases('shop'))).toBe(false);
});

test('what is no archive is refused with the reason', async () => {
  const { releases, builds } = region();
  const sha256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
  await builds.receive(sha256, Readable.from([]));
  const of = record({ name: 'shop', build: { kind: 'archive', sha256, bytes: 0 } });
  await expect(releases.prepare('shop', of)).rejects.toThrow(/cannot be read/);
});

test('a file tree takes its first content from the archive, and keeps its own through later releases', async () => {
  const { releases, received, paths } = region();
  const trees = [{ name: 'uploads', path: 'public/uploads' }];
  const first = await releases.prepare('shop', await received(pack({ 'public/uploads/a.txt': 'first' }), trees));
  expect(readlinkSync(join(first, 'public/uploads'))).toBe('../../../files/uploads');
  writeFileSync(join(first, 'public/uploads/b.txt'), 'by the app');
  const second = await releases.prepare(
    'shop',
    await received(pack({ 'public/uploads/a.txt': 'second', v: '2' }), trees),
  );
  expect(second).not.toBe(first);
  expect(readFileSync(join(second, 'public/uploads/a.txt'), 'utf8')).toBe('first');
  expect(readFileSync(join(second, 'public/uploads/b.txt'), 'utf8')).toBe('by the app');
  expect(readdirSync(paths.tree('shop', 'uploads')).sort()).toEqual(['a.txt', 'b.txt']);
});

test('a link in the archive does not choose where a file tree is put', async () => {
  const { releases, received, paths } = region();
  const outside = tempFolder('outside');
  const source = tempFolder('link');
  mkdirSync(join(source, 'in'));
  symlinkSync(outside, join(source, 'in', 'public'));
  const { archive, sha256 } = pack({ 'x.js': '' }, ['-C', join(source, 'in'), '.']);
  const trees = [{ name: 'uploads', path: 'public/uploads' }];
  await expect(releases.prepare('shop', await received({ archive, sha256 }, trees))).rejects.toMatchObject({
    code: 'bad_request',
  });
  expect(readdirSync(outside)).toEqual([]);
  expect(existsSync(paths.tree('shop', 'uploads'))).toBe(false);
});

test('the newest two releases are kept, and what is in use', async () => {
  const { releases, received } = region();
  const folders: string[] = [];
  for (const n of [1, 2, 3, 4]) folders.push(await releases.prepare('shop', await received(pack({ n: String(n) }))));
  releases.prune('shop', new Set([folders[0]!]));
  expect(folders.map((folder) => existsSync(folder))).toEqual([true, false, true, true]);
  expect(lstatSync(folders[3]!).isDirectory()).toBe(true);
});

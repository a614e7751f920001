import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import type { AppRecord } from '../../protocol/app-record/record.ts';
import { StorkyError } from '../../protocol/errors.ts';
import type { Manifest } from '../manifest/read.ts';
import { type Output, runProgram } from './program.ts';

interface Checkout {
  folder: string;
  remove(): Promise<void>;
}

/** The folder to build: the user's own, or a fresh clone, which is gone afterwards. */
export async function checkout({ file, record: { source } }: Manifest, output: Output): Promise<Checkout> {
  switch (source.type) {
    case 'directory':
      return { folder: await existing(resolve(dirname(file), source.path)), remove: async () => {} };
    case 'git':
      return clone(source, dirname(file), output);
    case 'image':
      throw new StorkyError('unsupported', {
        what: 'A source of type image',
        detail: 'no region runs images yet',
        hint: 'Use a source of type directory or git.',
      });
  }
}

async function existing(folder: string): Promise<string> {
  const is = await stat(folder).catch(() => undefined);
  if (is?.isDirectory()) return folder;
  throw new StorkyError('build_failed', { folder, detail: 'there is no such folder' });
}

async function clone(
  source: Extract<AppRecord['source'], { type: 'git' }>,
  cwd: string,
  output: Output,
): Promise<Checkout> {
  const temporary = await mkdtemp(join(tmpdir(), 'storky-clone-'));
  const remove = () => rm(temporary, { recursive: true, force: true });
  // Made by git, so that its mode is as in the user's own folder: it goes into the archive.
  const folder = join(temporary, 'source');
  try {
    const args = [
      'clone',
      '--depth',
      '1',
      '--single-branch',
      '--branch',
      source.branch,
      '--',
      source.repository,
      folder,
    ];
    await runProgram('git', args, { cwd, output, folder: source.repository });
    return { folder, remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import type { FileTree } from '../../protocol/app-record/parts.ts';
import { StorkyError } from '../../protocol/errors.ts';
import { excludeFromTop, ignoreOptions } from './ignore.ts';

export interface Archive {
  path: string;
  sha256: string;
  bytes: number;
  /** Deletes the file. */
  remove(): Promise<void>;
}

/**
 * Packs the folder so that the same files give the same bytes, wherever and whenever they are packed: sorted, without
 * times and owners. `.git`, what `.storkyignore` names, and the app's file trees stay out: those are data, not the build.
 * Streams: a large folder needs no more memory than a small one.
 */
export async function packFolder(folder: string, trees: FileTree[], signal: AbortSignal): Promise<Archive> {
  const temporary = await mkdtemp(join(tmpdir(), 'storky-build-'));
  const remove = () => rm(temporary, { recursive: true, force: true });
  try {
    const path = join(temporary, 'build.tar.gz');
    const measured = await writeArchive(tarOptions(folder, trees), path, folder, signal);
    return { path, ...measured, remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

function tarOptions(folder: string, trees: FileTree[]): string[] {
  return [
    '--create',
    '--format=posix',
    '--pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime',
    '--sort=name',
    '--mtime=@0',
    '--owner=0',
    '--group=0',
    '--numeric-owner',
    '--no-anchored',
    '--exclude=.git',
    ...trees.flatMap((tree) => excludeFromTop(literal(tree.path))),
    ...ignoreOptions(folder),
    `--directory=${folder}`,
    '.',
  ];
}

async function writeArchive(options: string[], path: string, folder: string, signal: AbortSignal) {
  const tar = spawn('tar', options, {
    env: { ...process.env, LC_ALL: 'C' },
    stdio: ['ignore', 'pipe', 'pipe'],
    signal,
  });
  let complaints = '';
  tar.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaints += text;
  });
  const hash = createHash('sha256');
  let bytes = 0;
  const measure = new Transform({
    transform(chunk: Buffer, _, done) {
      hash.update(chunk);
      bytes += chunk.length;
      done(null, chunk);
    },
  });
  const ended = once(tar, 'close') as Promise<[number | null]>;
  try {
    const [[code]] = await Promise.all([ended, pipeline(tar.stdout, createGzip(), measure, createWriteStream(path))]);
    // GNU tar's 1: a file changed while it was read. The archive would be half of one state, half of another.
    if (code !== 0) throw new Error(complaints.trim().split('\n').at(0) ?? `tar ended with ${code}`);
  } catch (error) {
    if (signal.aborted) throw error;
    throw new StorkyError('build_failed', { folder, detail: (error as Error).message }, { cause: error });
  }
  return { sha256: hash.digest('hex'), bytes };
}

const literal = (path: string) =>
  path
    .replace(/^\.\//, '')
    .replace(/\/+$/, '')
    .replace(/[\\*?[\]]/g, '\\$&');

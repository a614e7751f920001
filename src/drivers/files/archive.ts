import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, rmSync } from 'node:fs';
import { join as joinPath } from 'node:path';
import { PassThrough, type Readable, type Writable } from 'node:stream';
import { StorkyError } from '../../protocol/errors.ts';
import type { Report } from '../store.ts';
import { ignoring } from './ignore.ts';

const keep = ['--numeric-owner', '--xattrs', '--xattrs-include=*', '--acls'];

/** A tar of the whole tree: times to the nanosecond, holes, links, owners, extended attributes. Ends with an error if tar does. */
export function packTree(root: string, ignore: string[]): Readable {
  const excludes = ignore
    .map((pattern) => pattern.replace(/\/+$/, ''))
    .filter(Boolean)
    .map(toExclude);
  const options = [
    '--create',
    '--format=posix',
    '--sparse',
    ...keep,
    '--no-wildcards-match-slash',
    ...excludes,
    '--directory',
    root,
    '.',
  ];
  const tar = spawn('tar', options, { stdio: ['ignore', 'pipe', 'pipe'] });
  const problem = collect(tar.stderr);
  const out = new PassThrough();
  tar.stdout.pipe(out, { end: false });
  tar.on('error', (error) => out.destroy(error));
  tar.on('close', (code) => (code === 0 ? out.end() : out.destroy(refused(problem())))); // it ends well only if tar did
  out.on('close', () => tar.exitCode === null && tar.kill());
  return out;
}

/** Replaces what is there. */
export async function unpackTree(
  root: string,
  ignore: string[],
  dump: Readable,
  report: Report,
  signal: AbortSignal,
): Promise<void> {
  const ignored = ignoring(ignore);
  for (const name of readdirSync(root, { encoding: 'latin1' }) as string[])
    if (!ignored(name))
      rmSync(Buffer.from(joinPath(Buffer.from(root).toString('latin1'), name), 'latin1'), {
        recursive: true,
        force: true,
      });
  const tar = spawn('tar', ['--extract', '--preserve-permissions', ...keep, '--directory', root], {
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  const problem = collect(tar.stderr);
  tar.stdin.on('error', () => {}); // its verdict tells why
  const exit = new Promise<number | null>((resolve, reject) => tar.on('error', reject).on('close', resolve));
  exit.catch(() => {});
  try {
    await feed(tar.stdin, dump, report, signal);
  } catch (error) {
    tar.kill();
    throw error;
  }
  if ((await exit) !== 0) throw refused(problem());
}

/** To the end of the dump, though tar may stop reading before, at the end of the archive: the source's verdict comes last. */
async function feed(into: Writable, dump: Readable, report: Report, signal: AbortSignal): Promise<void> {
  let bytes = 0;
  for await (const chunk of dump as AsyncIterable<Buffer>) {
    signal.throwIfAborted();
    bytes += chunk.length;
    report({ done: bytes, total: null, unit: 'bytes' });
    if (!into.destroyed && !into.write(chunk))
      await Promise.race([once(into, 'drain'), once(into, 'close')]).catch(() => {});
  }
  into.end();
}

function toExclude(pattern: string): string {
  return pattern.includes('/') ? `--exclude=./${pattern.replace(/^\//, '')}` : `--exclude=${pattern}`;
}

function collect(stream: Readable): () => string {
  let text = '';
  stream.setEncoding('utf8').on('data', (chunk: string) => {
    if (text.length < 2000) text += chunk;
  });
  return () => text.trim() || 'tar failed';
}

const refused = (detail: string) =>
  new StorkyError('engine_refused', { engine: 'tar', detail, hint: 'Mend the cause and run the phase again.' });

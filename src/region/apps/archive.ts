import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { unprivilegedAccount } from '../../base/account.ts';
import { StorkyError } from '../../protocol/errors.ts';

/**
 * Throws for an archive that could write outside the folder it is unpacked in. Links need no look here: tar itself
 * makes those that point outside last, so that nothing is written through them.
 */
export async function checkArchive(archive: Readable): Promise<void> {
  const names = await tar(['-tzPf', '-'], archive);
  const wrong = names.split('\n').find((name) => name.startsWith('/') || name.split('/').includes('..'));
  if (wrong !== undefined)
    throw new StorkyError('bad_request', { detail: `the archive names ${wrong}, outside its folder`, field: 'build' });
}

/** As the unprivileged account: owners, devices and set-uid bits in the archive come to nothing. */
export async function unpack(archive: Readable, folder: string): Promise<void> {
  await tar(['-xzf', '-', '-C', folder, '--no-same-owner', '--no-same-permissions'], archive);
}

async function tar(args: string[], input: Readable): Promise<string> {
  const child = spawn('tar', args, {
    cwd: '/',
    env: { PATH: '/usr/local/bin:/usr/bin:/bin', LANG: 'C.UTF-8' },
    ...unprivilegedAccount(),
  });
  const code = new Promise<number | null>((resolve, reject) => child.once('close', resolve).once('error', reject));
  // tar may end early, before it has read everything; its exit code tells whether that was right.
  const fed = pipeline(input, child.stdin).catch(() => {});
  const [out, err, exit] = await Promise.all([text(child.stdout), text(child.stderr), code, fed]);
  if (exit !== 0)
    throw new StorkyError('bad_request', {
      detail: `the archive cannot be read: ${err.trim().split('\n')[0]}`,
      field: 'build',
    });
  return out;
}

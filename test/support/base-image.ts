import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import type Docker from 'dockerode';

const packages = ['postgresql', 'redis-server', 'libstdc++6', 'libatomic1', 'procps'];
const suite = 'bookworm';

/** Debian with the servers that the tests' images are made of: built once for all tests of this account, then kept. */
export function baseArchive(): string {
  const folder = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'storky-tests');
  const id = createHash('sha256')
    .update(JSON.stringify([suite, packages]))
    .digest('hex')
    .slice(0, 12);
  const archive = join(folder, `base-${id}.tar`);
  if (existsSync(archive)) return archive;
  mkdirSync(folder, { recursive: true });
  const root = mkdtempSync(join(tmpdir(), 'storky-base-'));
  try {
    run('debootstrap', '--variant=minbase', `--include=${packages.join(',')}`, suite, root);
    // What a container has no use for; the clusters that the packages made are nobody's.
    const left = [
      './var/cache/apt',
      './var/lib/apt/lists',
      './usr/share/doc',
      './usr/share/man',
      './var/lib/postgresql',
    ];
    run('tar', '-C', root, ...left.map((path) => `--exclude=${path}/*`), '-cf', `${archive}.${process.pid}`, '.');
    renameSync(`${archive}.${process.pid}`, archive);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
  return archive;
}

/** Where an engine has none of that name. */
export async function importBase(docker: Docker, name: string): Promise<void> {
  const answer = await docker.importImage(createReadStream(baseArchive()), { repo: name, tag: 'latest' });
  await new Promise((resolve, reject) =>
    docker.modem.followProgress(answer, (error) => (error ? reject(error) : resolve(null))),
  );
}

function run(program: string, ...args: string[]): void {
  const { status, stderr, stdout } = spawnSync(program, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${stderr || stdout}`.slice(-2000));
}

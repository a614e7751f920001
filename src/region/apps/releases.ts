import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { giveToAccount } from '../../base/account.ts';
import type { AppRecord } from '../../protocol/app-record/record.ts';
import { StorkyError } from '../../protocol/errors.ts';
import type { AppPaths } from './app-paths.ts';
import { checkArchive, unpack } from './archive.ts';
import type { Builds } from './builds.ts';
import { showTrees } from './file-trees.ts';

const kept = 2;

/** Unpacked builds of one app, ready to run. */
export class Releases {
  readonly #paths: AppPaths;
  readonly #builds: Builds;

  constructor(paths: AppPaths, builds: Builds) {
    this.#paths = paths;
    this.#builds = builds;
  }

  /** The folder of the record's build, unpacked where it is not yet, with its file trees in place. Idempotent. */
  async prepare(app: string, record: AppRecord): Promise<string> {
    const sha256 = archiveOf(record);
    const folder = join(this.#paths.releases(app), sha256.slice(0, 12));
    if (!existsSync(folder)) await this.#unpack(app, sha256, folder);
    showTrees(this.#paths, app, folder, record.files);
    const now = new Date();
    utimesSync(folder, now, now);
    return folder;
  }

  /** Keeps the newest two, and whatever is in use. */
  prune(app: string, inUse: ReadonlySet<string>): void {
    const folder = this.#paths.releases(app);
    if (!existsSync(folder)) return;
    const releases = readdirSync(folder).map((name) => join(folder, name));
    releases.sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs);
    for (const release of releases.slice(kept))
      if (!inUse.has(release)) rmSync(release, { recursive: true, force: true });
  }

  /** Unpacked aside and renamed: a release that is there is complete. */
  async #unpack(app: string, sha256: string, folder: string): Promise<void> {
    if (!this.#builds.has(sha256))
      throw new StorkyError('bad_request', { detail: `the archive ${sha256} was not uploaded`, field: 'build' });
    await checkArchive(this.#builds.open(sha256));
    const aside = `${folder}.part`;
    rmSync(aside, { recursive: true, force: true });
    mkdirSync(this.#paths.releases(app), { recursive: true, mode: 0o711 });
    mkdirSync(aside, { mode: 0o755 });
    giveToAccount(aside);
    await unpack(this.#builds.open(sha256), aside);
    renameSync(aside, folder);
  }
}

function archiveOf({ name, build }: AppRecord): string {
  if (build?.kind === 'archive') return build.sha256;
  throw new StorkyError('unsupported', {
    what: build ? 'An image as the build' : `${name} without a build`,
    detail: 'the local runtime runs release archives',
    hint: 'Upload an archive with `storky apply`.',
  });
}

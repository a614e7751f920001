import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, existsSync, type ReadStream, rmSync } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { StorkyError } from '../../protocol/errors.ts';

/** The archives that run here, each under the SHA-256 of its bytes; what is there is whole. */
export class Builds {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  has(sha256: string): boolean {
    return existsSync(this.#path(sha256));
  }

  /** Takes an archive in, in constant memory. Received again, it is read and thrown away. */
  async receive(sha256: string, stream: Readable): Promise<void> {
    const temporary = join(this.#folder, `${randomUUID()}.part`);
    try {
      const received = await writeHashed(temporary, stream);
      if (received !== sha256)
        throw new StorkyError('bad_request', {
          detail: `the archive's SHA-256 is ${received}, not ${sha256}`,
          field: 'sha256',
        });
      await rename(temporary, this.#path(sha256));
      await syncFolder(this.#folder);
    } finally {
      rmSync(temporary, { force: true });
    }
  }

  open(sha256: string): ReadStream {
    return createReadStream(this.#path(sha256));
  }

  remove(sha256: string): void {
    rmSync(this.#path(sha256), { force: true });
  }

  #path(sha256: string): string {
    // It becomes a file name: anything else could name a file elsewhere.
    if (!/^[0-9a-f]{64}$/.test(sha256))
      throw new StorkyError('bad_request', { detail: 'not a SHA-256 in lower-case hexadecimal', field: 'sha256' });
    return join(this.#folder, `${sha256}.tar.gz`);
  }
}

async function writeHashed(path: string, stream: Readable): Promise<string> {
  const hash = createHash('sha256');
  await using file = await open(path, 'wx', 0o600);
  for await (const chunk of stream as AsyncIterable<Uint8Array>) {
    hash.update(chunk);
    await file.writeFile(chunk);
  }
  await file.sync();
  return hash.digest('hex');
}

async function syncFolder(path: string): Promise<void> {
  await using folder = await open(path, 'r');
  await folder.sync();
}

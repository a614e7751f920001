import { createHash, type Hash } from 'node:crypto';
import { createReadStream, existsSync, mkdirSync, rmSync, statSync } from 'node:fs';
import { open, rename, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import type Docker from 'dockerode';
import { StorkyError } from '../../../../protocol/errors.ts';
import type { MovedImage, WantedBlobs } from '../../../../protocol/image.ts';
import { asked } from '../docker.ts';
import { countLayersHere, hexOf, ifThere, interrupted } from './image.ts';
import { loadImage } from './load-image.ts';
import type { Entry } from './saved.ts';
import { savedEntries } from './saved.ts';

const megabytes = (bytes: number): string => `${Math.ceil(bytes / 1_000_000)} MB`;

/** Where the blobs of images arrive. What has come of one stays over a cut and a restart; what is there whole was hashed. */
export class ImageInbox {
  readonly #folder: string;
  readonly #region: string;
  readonly #docker: Docker;

  constructor(folder: string, region: string, docker: Docker) {
    this.#folder = folder;
    this.#region = region;
    this.#docker = docker;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  }

  /** What this host lacks of the image, with the bytes of each that have come; undefined where it is here, tags and all. */
  async lacks(image: MovedImage): Promise<WantedBlobs | undefined> {
    const here = await ifThere(this.#docker, image.id);
    if (here && image.tags.every((tag) => here.tags.includes(tag))) return undefined;
    await this.#refuseForeignTags(image);
    await this.#refuseWithoutRoom(image);
    const blobs = await this.#needed(image);
    const missing = blobs.filter((hash) => !existsSync(this.#whole(hash)));
    return Object.fromEntries(missing.map((hash) => [hash, sizeOf(this.#part(hash))]));
  }

  /** Takes in what `sendImage` sends. `progress` is called with the bytes of each piece. @throws StorkyError copy_interrupted */
  async receive(image: MovedImage, stream: Readable, progress: (bytes: number) => void): Promise<void> {
    const expected = new Set([hexOf(image.id), ...image.layers.map(hexOf)]);
    try {
      for await (const entry of savedEntries(stream)) {
        // It becomes a file name.
        if (!expected.has(entry.header.name)) throw interrupted(image, `${entry.header.name} was not asked for`);
        await this.#take(image, entry, progress);
      }
    } catch (error) {
      throw error instanceof StorkyError ? error : interrupted(image, (error as Error).message, error);
    }
  }

  /** Gives the image to Docker and looks that it is the one that was meant; the blobs go. Run again, it finds it done. */
  async load(image: MovedImage): Promise<void> {
    const lacking = await this.lacks(image);
    if (lacking && Object.keys(lacking).length > 0) throw interrupted(image, 'not all of it has come');
    if (lacking) await loadImage(this.#region, this.#docker, image, await this.#needed(image), this.#whole.bind(this));
    for (const hash of [image.id, ...image.layers].map(hexOf)) {
      rmSync(this.#whole(hash), { force: true });
      rmSync(this.#part(hash), { force: true });
    }
  }

  /** The configuration, and the layers above those that Docker has here. */
  async #needed(image: MovedImage): Promise<string[]> {
    const known = await countLayersHere(this.#region, this.#docker, image);
    return [...new Set([image.id, ...image.layers.slice(known)].map(hexOf))];
  }

  async #take(image: MovedImage, entry: Entry, progress: (bytes: number) => void): Promise<void> {
    const hash = entry.header.name;
    const whole = createHash('sha256');
    if (existsSync(this.#part(hash))) await hashInto(whole, this.#part(hash));
    await using file = await open(this.#part(hash), 'a', 0o600);
    for await (const chunk of entry as AsyncIterable<Buffer>) {
      whole.update(chunk);
      await file.writeFile(chunk);
      progress(chunk.length);
    }
    await file.sync();
    if (whole.digest('hex') === hash) return await rename(this.#part(hash), this.#whole(hash));
    rmSync(this.#part(hash)); // goes on from nothing: nobody knows which byte is wrong
    throw interrupted(image, `layer ${hash.slice(0, 12)} did not arrive as it was sent`);
  }

  /** A tag that names another image here may be in use: it is not taken away. */
  async #refuseForeignTags(image: MovedImage): Promise<void> {
    for (const tag of image.tags) {
      const here = await ifThere(this.#docker, tag);
      if (here === undefined || here.id === image.id) continue;
      throw new StorkyError('unsupported', {
        what: `The image ${tag} in ${this.#region}`,
        detail: `there the name stands for another image (${here.id})`,
        hint: `Give that one another name: docker tag ${tag} …, then docker rmi ${tag}.`,
      });
    }
  }

  /** Of the folder twice: the blobs lie there while Docker makes its own of them. */
  async #refuseWithoutRoom(image: MovedImage): Promise<void> {
    const { DockerRootDir: root } = (await asked(this.#region, this.#docker.info())) as { DockerRootDir: string };
    for (const folder of [this.#folder, root]) {
      const room = await statfs(folder).catch(() => undefined); // Docker's own may not be for us to see
      if (room === undefined || room.bavail * room.bsize >= 2 * image.bytes) continue;
      const free = megabytes(room.bavail * room.bsize);
      throw new StorkyError('not_enough_disk', { region: this.#region, free, needed: megabytes(2 * image.bytes) });
    }
  }

  readonly #whole = (hash: string): string => join(this.#folder, hash);
  readonly #part = (hash: string): string => join(this.#folder, `${hash}.part`);
}

const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;

async function hashInto(hash: Hash, path: string): Promise<void> {
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
}

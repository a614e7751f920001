import { once } from 'node:events';
import { createReadStream, statSync } from 'node:fs';
import type { Readable } from 'node:stream';
import type Docker from 'dockerode';
import { type Pack, pack } from 'tar-stream';
import type { MovedImage } from '../../../../protocol/image.ts';
import { asked } from '../docker.ts';
import { hexOf, ifThere, interrupted } from './image.ts';

/**
 * `docker load` of an archive that has only the given blobs. The manifest names every layer all the same: Docker does not
 * look for the file of one that it has. @throws StorkyError copy_interrupted, if what is there afterwards is not the image
 */
export async function loadImage(
  region: string,
  docker: Docker,
  image: MovedImage,
  blobs: string[],
  pathOf: (hash: string) => string,
): Promise<void> {
  const archive = pack();
  const written = write(archive, image, blobs, pathOf).catch((error: Error) => archive.destroy(error));
  const answer = await asked(region, docker.loadImage(archive as unknown as NodeJS.ReadableStream, { quiet: true }));
  await written;
  const refusal = await outcome(docker, answer as Readable);
  const here = await ifThere(docker, image.id);
  const complete = here?.id === image.id && here.layers.join() === image.layers.join();
  if (!complete || !image.tags.every((tag) => here.tags.includes(tag)))
    throw interrupted(image, refusal ?? 'Docker made something else of it');
}

async function write(archive: Pack, image: MovedImage, blobs: string[], pathOf: (hash: string) => string) {
  for (const hash of blobs) await add(archive, `${hash}${hash === hexOf(image.id) ? '.json' : '.tar'}`, pathOf(hash));
  const layers = image.layers.map((layer) => `${hexOf(layer)}.tar`);
  const manifest = [{ Config: `${hexOf(image.id)}.json`, RepoTags: image.tags, Layers: layers }];
  archive.entry({ name: 'manifest.json' }, JSON.stringify(manifest));
  archive.finalize();
}

async function add(archive: Pack, name: string, path: string): Promise<void> {
  const sink = archive.entry({ name, size: statSync(path).size });
  for await (const chunk of createReadStream(path)) if (!sink.write(chunk)) await once(sink, 'drain');
  sink.end(undefined);
}

/** What Docker complained of, if it did. */
const outcome = (docker: Docker, answer: Readable): Promise<string | undefined> =>
  new Promise((resolve) => docker.modem.followProgress(answer, (error) => resolve(error?.message)));

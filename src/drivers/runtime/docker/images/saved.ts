import { pipeline, type Readable } from 'node:stream';
import type Docker from 'dockerode';
import { extract } from 'tar-stream';
import { z } from 'zod';
import { StorkyError } from '../../../../protocol/errors.ts';
import type { MovedImage } from '../../../../protocol/image.ts';
import { asked } from '../docker.ts';
import { hexOf } from './image.ts';

const manifests = z.array(z.object({ Config: z.string(), Layers: z.array(z.string()) })).length(1);

/** Where Docker's archive of an image keeps each blob: its path leads to the blob's hash. Differs between its versions. */
export async function pathsInArchive(region: string, docker: Docker, image: MovedImage): Promise<Map<string, string>> {
  for await (const entry of savedEntries(await openArchive(region, docker, image))) {
    if (entry.header.name !== 'manifest.json') continue;
    const [manifest] = manifests.parse(JSON.parse(await textOf(entry)));
    const { Config: config, Layers: layers } = manifest!;
    // With another store of images an id is no hash of the configuration, and layers are kept compressed.
    if (!config.includes(hexOf(image.id)) || layers.length !== image.layers.length) throw otherStore(region);
    return new Map([[config, hexOf(image.id)], ...layers.map((path, i) => [path, hexOf(image.layers[i]!)] as const)]);
  }
  throw otherStore(region);
}

/** A file of an archive. */
export interface Entry extends AsyncIterable<unknown> {
  header: { name: string; size?: number };
}

export const openArchive = async (region: string, docker: Docker, image: MovedImage): Promise<Readable> =>
  (await asked(region, docker.getImage(image.id).get())) as Readable;

/** The files of an archive, in its order. What the caller leaves unread is passed over; it is closed when the caller ends. */
export async function* savedEntries(archive: Readable): AsyncGenerator<Entry> {
  const entries = extract();
  pipeline(archive, entries, () => undefined); // an error comes out of the loop
  try {
    for await (const entry of entries) {
      if (entry.header.type === 'file') yield entry as unknown as Entry;
      entry.resume();
    }
  } finally {
    archive.destroy();
  }
}

async function textOf(entry: Entry): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of entry) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

const otherStore = (region: string): StorkyError =>
  new StorkyError('unsupported', {
    what: `Copying an image from ${region}`,
    detail: 'its Docker does not keep images in a classic store (overlay2, for example)',
    hint: 'Bring the image there by `docker save` and `docker load`, or by a registry.',
  });

import { createHash } from 'node:crypto';
import type Docker from 'dockerode';
import { StorkyError } from '../../../../protocol/errors.ts';
import type { MovedImage } from '../../../../protocol/image.ts';
import { asked } from '../docker.ts';

/** @throws StorkyError unsupported, where Docker does not answer or has no such image */
export async function describeImage(region: string, docker: Docker, reference: string): Promise<MovedImage> {
  const { Id: id, RepoTags: tags, RootFS, Size: bytes } = await asked(region, docker.getImage(reference).inspect());
  return { id, tags: tags ?? [], layers: RootFS.Layers ?? [], bytes };
}

export const hexOf = (digest: string): string => digest.replace(/^sha256:/, '');

/** A layer is known to Docker together with all that lie below it: chain ids, as the OCI image specification has them. */
function chainIds(layers: string[]): string[] {
  const chain: string[] = [];
  for (const layer of layers) {
    const below = chain.at(-1);
    chain.push(below ? `sha256:${createHash('sha256').update(`${below} ${layer}`).digest('hex')}` : layer);
  }
  return chain;
}

/** How many of the image's lowest layers this host has, in whatever image. */
export async function countLayersHere(region: string, docker: Docker, image: MovedImage): Promise<number> {
  const here = new Set<string>();
  for (const { Id: id } of await asked(region, docker.listImages({ all: true }))) {
    const other = await ifThere(docker, id);
    for (const known of chainIds(other?.layers ?? [])) here.add(known);
  }
  const lacking = chainIds(image.layers).findIndex((one) => !here.has(one));
  return lacking === -1 ? image.layers.length : lacking;
}

/** Undefined where there is no such image. */
export async function ifThere(docker: Docker, reference: string): Promise<MovedImage | undefined> {
  try {
    const { Id: id, RepoTags: tags, RootFS, Size: bytes } = await docker.getImage(reference).inspect();
    return { id, tags: tags ?? [], layers: RootFS.Layers ?? [], bytes };
  } catch (error) {
    if ((error as { statusCode?: number }).statusCode === 404) return undefined;
    throw error;
  }
}

export const interrupted = (image: MovedImage, detail: string, cause?: unknown): StorkyError =>
  new StorkyError('copy_interrupted', { store: `image ${image.tags[0] ?? image.id}`, detail }, { cause });

import { log } from '../../base/log.ts';
import type { Project } from '../../protocol/app-record/project.ts';
import { StorkyError } from '../../protocol/errors.ts';
import { MovedImage } from '../../protocol/image.ts';
import type { Moving } from './creating.ts';
import type { TargetSide } from './target-side.ts';

/** What has arrived stays over a cut, so each try has less to do. */
const tries = 5;

/** The images of all containers, by the layers that are lacking here. Run again, it goes on where it was cut. */
export async function fetchImages(side: TargetSide, moving: Moving, project: Project | null): Promise<void> {
  const containers = project?.services.flatMap((service) => service.containers) ?? [];
  for (const image of new Set(containers.map(({ image: { id } }) => id)))
    for (let n = 1; ; n++)
      try {
        await fetchImage(side, moving, image);
        break;
      } catch (error) {
        if (n === tries || !(error instanceof StorkyError) || error.next !== 'retry') throw error;
        log.warn({ image, detail: error.message }, 'the image was cut short; it goes on');
      }
}

async function fetchImage({ home, link, records }: TargetSide, { app, migration }: Moving, id: string): Promise<void> {
  const { peer, peerApp } = records.get(migration, 'target');
  const hello = { migration, app: peerApp, image: id };
  const image = MovedImage.parse(await link.openJson(peer, { kind: 'image', ...hello }));
  const wanted = await home.images.lacks(image);
  if (!wanted) return;
  home.keepImage(app, image.id);
  if (Object.keys(wanted).length > 0)
    await home.images.receive(image, await link.open(peer, { kind: 'blobs', ...hello, wanted }));
  await home.images.load(image);
}

import { pipeline } from 'node:stream/promises';
import { StorkyError } from '../../protocol/errors.ts';
import { answerJson, type LinkHandlers } from '../link/handlers.ts';
import { serveDatabase } from '../serve-database.ts';
import { pressureOf } from './pressure.ts';
import type { SourceSide } from './source-side.ts';
import { ticketOf } from './tickets.ts';

/** What the target may fetch from here while a migration grants it. */
export function sourceLinks(side: SourceSide): LinkHandlers {
  const { home, stores } = side;
  const streamOf = ({ migration }: { migration: string }) => side.records.get(migration, 'source').stream;
  return {
    async tunnel({ app, store }, stream) {
      await serveDatabase(stream, await home.database(app, store));
    },
    async store(hello, stream) {
      const { app, store } = hello;
      const opened = await stores.get(app, streamOf(hello), store);
      if (!opened.serve)
        throw new StorkyError('unsupported', {
          what: `Streaming ${store}`,
          detail: 'it is followed through a tunnel',
          hint: 'Upgrade the other agent.',
        });
      await opened.serve(stream, streamOf(hello));
    },
    async backup(hello, stream) {
      const opened = await stores.get(hello.app, streamOf(hello), hello.store);
      await pipeline(await opened.backup(), stream);
    },
    image: answerJson(async ({ app, image }) => home.images.describe(imageOf(side, app, image))),
    async blobs({ app, image, wanted }, stream) {
      const known = await home.images.describe(imageOf(side, app, image));
      await pipeline(home.images.send(known, wanted), stream);
    },
    part: answerJson(async ({ app, part }) => home.exportPart(app, part)),
    stores: answerJson(async ({ app }) => home.storeDefinitions(app)),
    pressure: answerJson((hello) => pressureOf(side, hello)),
    ticket: answerJson((hello) => ticketOf(side, hello)),
    async build({ app, sha256 }, stream) {
      const { build } = home.record(app);
      if (build?.kind !== 'archive' || build.sha256 !== sha256)
        throw new StorkyError('not_granted', {
          peer: 'the other region',
          region: side.region,
          what: `build ${sha256}`,
        });
      await pipeline(home.openBuild(sha256), stream);
    },
  };
}

/** Of the app's containers, and no other of this host. */
function imageOf({ home, region }: SourceSide, app: string, image: string): string {
  const containers = home.record(app).project?.services.flatMap((service) => service.containers) ?? [];
  if (containers.some(({ image: { id } }) => id === image)) return image;
  throw new StorkyError('not_granted', { peer: 'the other region', region, what: `image ${image}` });
}

import { once } from 'node:events';
import type { Readable } from 'node:stream';
import type Docker from 'dockerode';
import { type Pack, pack } from 'tar-stream';
import type { MovedImage, WantedBlobs } from '../../../../protocol/image.ts';
import { type Entry, openArchive, pathsInArchive, savedEntries } from './saved.ts';

/**
 * The wanted blobs of an image, as a tar of files that are named by their hash, each from the byte on where the target
 * stands. Reads from Docker, and changes nothing. Ends with an error where Docker's own archive is cut.
 */
export function sendImage(region: string, docker: Docker, image: MovedImage, wanted: WantedBlobs): Readable {
  const out = pack();
  void sendInto(out, region, docker, image, wanted).then(
    () => out.finalize(),
    (error: Error) => out.destroy(error),
  );
  return out as unknown as Readable;
}

async function sendInto(out: Pack, region: string, docker: Docker, image: MovedImage, wanted: WantedBlobs) {
  const paths = await pathsInArchive(region, docker, image);
  const open = new Map(Object.entries(wanted));
  const archive = await openArchive(region, docker, image);
  out.on('close', () => archive.destroy()); // who reads has gone
  for await (const entry of savedEntries(archive)) {
    const hash = paths.get(entry.header.name);
    const from = hash === undefined ? undefined : open.get(hash);
    if (hash === undefined || from === undefined) continue;
    open.delete(hash); // a layer that an image has twice goes once
    await sendBlob(out, hash, entry, from);
  }
}

async function sendBlob(out: Pack, name: string, entry: Entry, from: number): Promise<void> {
  const size = Math.max(0, (entry.header.size ?? 0) - from);
  const sink = out.entry({ name, size });
  // Nobody waits for it where nothing has to drain.
  const closed = once(out, 'close').catch(() => undefined);
  let skip = from;
  for await (const chunk of entry) {
    const rest = (chunk as Buffer).subarray(Math.min(skip, (chunk as Buffer).length));
    skip -= (chunk as Buffer).length - rest.length;
    if (rest.length > 0 && !sink.write(rest)) await Promise.race([once(sink, 'drain'), closed]);
  }
  sink.end(undefined);
}

import { randomBytes } from 'node:crypto';
import { PassThrough, type Readable } from 'node:stream';
import type Docker from 'dockerode';
import { extract, pack } from 'tar-stream';
import { expect, it } from 'vitest';
import { describeImage } from '../../src/drivers/runtime/docker/images/image.ts';
import { ImageInbox } from '../../src/drivers/runtime/docker/images/image-inbox.ts';
import { sendImage } from '../../src/drivers/runtime/docker/images/send-image.ts';
import { canRunDocker, emptyImage, startDockerHost } from '../support/docker-host.ts';
import { tempFolder } from '../support/temp-folder.ts';

const megabyte = 1024 * 1024;

it.runIf(canRunDocker())(
  'an image that was built on one host is the same on another, by the layers alone that are lacking there, after a cut too',
  async () => {
    const [west, east] = await Promise.all([startDockerHost(), startDockerHost()]);
    const inbox = new ImageInbox(tempFolder('images'), 'east', east.docker);
    const fetch = async (reference: string, bend: (stream: Readable) => Readable = (it) => it) => {
      const image = await describeImage('west', west.docker, reference);
      const lacking = await inbox.lacks(image);
      let bytes = 0;
      if (lacking) {
        const stream = bend(sendImage('west', west.docker, image, lacking));
        await inbox.receive(image, stream, (more) => (bytes += more));
      }
      await inbox.load(image);
      return bytes;
    };

    await emptyImage(west.docker, 'base:1', ['ENV LANG=C.UTF-8']);
    await withFile(west.docker, 'base:1', 'shop:base', 'base.bin', randomBytes(3 * megabyte));
    expect(await fetch('shop:base')).toBeGreaterThan(3 * megabyte);
    await same('shop:base');
    expect(await fetch('shop:base'), 'there already').toBe(0);

    // Only what lies on top goes; cut in its middle, it goes on from there.
    const content = randomBytes(8 * megabyte);
    await withFile(west.docker, 'shop:base', 'shop:2', 'app.bin', content);
    await expect(fetch('shop:2', cutAfter(5 * megabyte))).rejects.toMatchObject({ code: 'copy_interrupted' });
    const left = Object.values((await inbox.lacks(await describeImage('west', west.docker, 'shop:2')))!);
    expect(Math.max(...left)).toBeGreaterThan(3 * megabyte);
    const rest = await fetch('shop:2');
    expect(rest).toBeGreaterThan(2 * megabyte);
    expect(rest).toBeLessThan(6 * megabyte);
    await same('shop:2');
    expect((await fileOf(east.docker, 'shop:2', 'app.bin')).equals(content)).toBe(true);
    expect((await fileOf(east.docker, 'shop:2', 'base.bin')).length).toBe(3 * megabyte);

    // What arrives otherwise than it was sent is never loaded.
    await withFile(west.docker, 'shop:base', 'shop:3', 'more.bin', randomBytes(2 * megabyte));
    await expect(fetch('shop:3', flipAt(megabyte))).rejects.toMatchObject({ code: 'copy_interrupted' });
    await expect(east.docker.getImage('shop:3').inspect()).rejects.toMatchObject({ statusCode: 404 });
    await fetch('shop:3');
    await same('shop:3');

    // A name that means another image over there is left alone.
    await emptyImage(east.docker, 'taken:1');
    await emptyImage(west.docker, 'taken:1', ['ENV OTHER=1']);
    await expect(fetch('taken:1')).rejects.toMatchObject({ code: 'unsupported' });

    async function same(reference: string) {
      const [here, there] = await Promise.all([west, east].map((it) => it.docker.getImage(reference).inspect()));
      const { Id, RepoTags, Config, RootFS, Created, Architecture } = here!;
      expect(there).toMatchObject({ Id, RepoTags, Config, RootFS, Created, Architecture });
    }
  },
);

/** A layer on top of an image, as a build would make it. */
async function withFile(docker: Docker, from: string, to: string, name: string, content: Buffer): Promise<void> {
  const container = await docker.createContainer({ Image: from, Cmd: ['/none'] });
  const archive = pack();
  archive.entry({ name }, content);
  archive.finalize();
  await container.putArchive(archive as unknown as NodeJS.ReadableStream, { path: '/' });
  const [repo, tag] = to.split(':');
  await container.commit({ repo, tag });
  await container.remove();
}

async function fileOf(docker: Docker, reference: string, name: string): Promise<Buffer> {
  const container = await docker.createContainer({ Image: reference, Cmd: ['/none'] });
  const entries = (await container.getArchive({ path: `/${name}` })).pipe(extract());
  const chunks: Buffer[] = [];
  for await (const entry of entries) for await (const chunk of entry) chunks.push(chunk as Buffer);
  await container.remove();
  return Buffer.concat(chunks);
}

/** The link breaks after so many bytes. */
const cutAfter = (bytes: number) => (stream: Readable) => {
  const out = new PassThrough();
  void (async () => {
    let sent = 0;
    for await (const chunk of stream) {
      sent += (chunk as Buffer).length;
      if (sent > bytes) break;
      if (!out.write(chunk)) await new Promise((resolve) => out.once('drain', resolve));
    }
    out.end();
  })();
  return out;
};

const flipAt = (position: number) => (stream: Readable) => {
  const out = new PassThrough({
    transform(chunk: Buffer, _, done) {
      const at = position - before;
      before += chunk.length;
      const bent = Buffer.from(chunk);
      if (at >= 0 && at < bent.length) bent[at]! ^= 1;
      done(null, bent);
    },
  });
  let before = 0;
  return stream.pipe(out);
};

import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { StorkyError } from '../../protocol/errors.ts';
import { LinkClient } from '../link/link-client.ts';
import { connectRegion } from '../link/region-client.ts';
import { controlName } from '../link/tls.ts';
import { granted, listenAs, twoRegions } from '../link/two-regions.test-support.ts';

let world: Awaited<ReturnType<typeof twoRegions>>;
beforeAll(async () => {
  world = await twoRegions({ store: async () => {} });
});
afterAll(() => world.home.listener.close());

const caught = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error) => error as StorkyError,
  );
async function connectAs(name: string) {
  return connectRegion(await world.authority.issue(name), world.home.address);
}
/** The test region speaks one procedure of its own. */
const hello = (client: Awaited<ReturnType<typeof connectAs>>) =>
  (client.calls as unknown as { hello(): Promise<string> }).hello();

test('the control plane may call', async () => {
  const control = await connectAs(controlName);
  expect(await hello(control)).toBe('hello');
  await control.close();
});

test('another region may not call, however good its certificate', async () => {
  const region = await connectAs('osc-secnum-fr1');
  expect(await caught(hello(region))).toMatchObject({ code: 'forbidden', fields: { who: 'osc-secnum-fr1' } });
  expect(await caught(region.uploadBuild('0'.repeat(64), Readable.from(['x'])))).toMatchObject({ code: 'forbidden' });
  expect(world.home.builds.size).toBe(0);
  await region.close();
});

test('the control plane may not open streams: data never passes through it', async () => {
  const control = new LinkClient(await world.authority.issue(controlName));
  const opened = control.open(world.home.address, { kind: 'store', ...granted, store: 'db' });
  expect(await caught(opened)).toMatchObject({ code: 'forbidden', fields: { who: controlName } });
});

test('the control plane uploads a build', async () => {
  const archive = Buffer.alloc(3_000_000, 'release');
  const sha256 = createHash('sha256').update(archive).digest('hex');
  const control = await connectAs(controlName);
  await control.uploadBuild(sha256, Readable.from([archive]));
  expect(world.home.builds.get(sha256)?.equals(archive)).toBe(true);
  await control.close();
});

test('a port that is taken is an error that names the option', async () => {
  const { port } = world.home.address;
  const error = await caught(listenAs('osc-fr1', world.authority, {}, { port }));
  expect(error).toMatchObject({ code: 'bad_request', fields: { field: '--listen' } });
});

test('an unknown procedure is an error with a code', async () => {
  const control = await connectAs(controlName);
  const unknown = (control.calls as unknown as { nothing(): Promise<void> }).nothing();
  expect(await caught(unknown)).toMatchObject({ code: 'bad_request' });
  await control.close();
});

import { randomUUID } from 'node:crypto';
import { oc } from '@orpc/contract';
import { implement } from '@orpc/server';
import { z } from 'zod';
import { StorkyError } from '../../protocol/errors.ts';
import type { LinkHello } from '../../protocol/link.ts';
import type { RegionAddress } from '../../protocol/region-contract.ts';
import { type Listener, startListener } from '../agent/listener.ts';
import { TestAuthority } from './authority.test-support.ts';
import type { LinkHandlers } from './handlers.ts';
import { LinkClient } from './link-client.ts';
import { LinkServer, type LinkServerOptions } from './link-server.ts';
import type { LinkTuning } from './link-stream.ts';

/** The only migration that a test region grants. */
export const granted = { migration: randomUUID(), app: 'shop' };

export interface TestRegion {
  address: RegionAddress;
  server: LinkServer;
  listener: Listener;
  builds: Map<string, Buffer>;
}

/** A listening agent named `osc-fr1`, with the given streams and a small router; close its listener at the end. */
export async function listenAs(
  name: string,
  authority: TestAuthority,
  handlers: LinkHandlers,
  options: { port?: number; tuning?: LinkTuning; authorise?: LinkServerOptions['authorise'] } = {},
): Promise<TestRegion> {
  const { authorise = grantOnly(name), tuning } = options;
  const server = new LinkServer({ region: name, authorise, handlers, tuning });
  const builds = new Map<string, Buffer>();
  const listener = await startListener({
    identity: await authority.issue(name),
    listen: { host: '127.0.0.1', port: options.port ?? 0 },
    router: { hello: implementHello() },
    link: server,
    receiveBuild: async (sha256, archive) => {
      builds.set(sha256, Buffer.concat(await archive.toArray()));
    },
  });
  return {
    address: { region: name, host: '127.0.0.1', port: listener.port, ingressPort: 0 },
    server,
    listener,
    builds,
  };
}

export async function twoRegions(handlers: LinkHandlers) {
  const authority = await TestAuthority.create();
  const home = await listenAs('osc-fr1', authority, handlers);
  const client = new LinkClient(await authority.issue('osc-secnum-fr1'));
  return { authority, home, client };
}

function grantOnly(region: string) {
  return (peer: string, hello: LinkHello) => {
    if (hello.migration !== granted.migration) throw new StorkyError('not_granted', { peer, region, what: hello.kind });
  };
}

export const helloContract = { hello: oc.output(z.string()) };
const implementHello = () => implement(helloContract).hello.handler(() => 'hello');

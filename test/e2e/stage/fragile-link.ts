import { onTestFinished } from 'vitest';
import { freePort } from '../../../src/base/free-port.ts';
import { type LatencyProxy, latencyProxy } from '../../support/latency-proxy.ts';
import type { RegionOptions } from './region.ts';

const advertised = '127.0.0.1';
/** Where the region really listens; the same ports, on another address of loopback. */
const hidden = '127.0.0.2';

export interface FragileLink {
  /** For `Stage.set`. */
  region: (name: string) => Partial<RegionOptions>;
  /** On the way to the region's agent: what the other region fetches, and what the server asks. */
  link: LatencyProxy;
}

/** The region is reached, by everybody but its visitors, through a link that the test can cut. */
export async function fragileLinkTo(region: string): Promise<FragileLink> {
  const ports = { agent: await freePort(), http: 0, ingress: await freePort() };
  const [link, ingress] = await Promise.all(
    [ports.agent, ports.ingress].map((port) =>
      latencyProxy({ listen: port, target: { host: hidden, port }, delayMs: 0 }),
    ),
  );
  onTestFinished(async () => void (await Promise.all([link!.close(), ingress!.close()])));
  return { region: (name) => (name === region ? behindLinks(ports).region : {}), link: link! };
}

/** A region that listens on these ports at `host`, and tells everybody to come to the same ports of loopback. */
export const behindLinks = (ports: NonNullable<RegionOptions['ports']>) => ({
  host: hidden,
  region: { host: hidden, ports, args: ['--advertise', advertised] } satisfies Partial<RegionOptions>,
});

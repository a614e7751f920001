import type { LinkHello } from '../../protocol/link.ts';
import type { RemoteAddon } from '../apps/app-document.ts';
import type { RemoteWay } from '../apps/remote-addons.ts';
import type { LinkClient } from '../link/link-client.ts';
import { openTunnel } from '../link/tunnel.ts';

/** Through the link between the agents: from a loopback port here to the database's loopback port over there. */
export function wayThrough(link: LinkClient): RemoteWay {
  return {
    open: (remote) => openTunnel({ link, address: remote.peer, hello: helloOf('loan', remote), port: remote.port }),
    prove: async (remote) => void (await link.open(remote.peer, helloOf('loan', remote))).destroy(),
    giveBack: async (remote) => void (await link.openJson(remote.peer, helloOf('give-back', remote))),
  };
}

const helloOf = <Kind extends 'loan' | 'give-back'>(kind: Kind, { migration, peerApp, addon }: RemoteAddon) =>
  ({ kind, migration, app: peerApp, store: addon }) as Extract<LinkHello, { kind: Kind }>;

import { X509Certificate } from 'node:crypto';
import { checkServerIdentity, type PeerCertificate } from 'node:tls';
import { createORPCClient } from '@orpc/client';
import { RPCLink } from '@orpc/client/fetch';
import type { ContractRouterClient } from '@orpc/contract';
import { Agent } from 'undici';
import type { controlContract } from '../../protocol/control-contract.ts';
import { StorkyError } from '../../protocol/errors.ts';
import { unwrapErrors } from '../../protocol/orpc-errors.ts';
import { controlName, expectPeer } from '../../region/link/tls.ts';
import { normalized } from './fingerprint.ts';
import type { ServerToUse } from './known-server.ts';

export type ControlClient = ContractRouterClient<typeof controlContract>;

export interface Connection {
  readonly address: string;
  /** Of the pinned authority; undefined where the system's authorities vouch for the server. */
  readonly fingerprint: string | undefined;
  readonly api: ControlClient;
  /** For what is not a call: the build's archive. */
  readonly http: { dispatcher: Agent; authorization: string };
  unreachable(detail: string): StorkyError;
  close(): Promise<void>;
}

/** Nothing is sent yet; the first call connects. */
export function connectTo({ address, token, ca }: ServerToUse): Connection {
  const authorization = `Bearer ${token}`;
  const unreachable = (detail: string) =>
    new StorkyError(/certificate/i.test(detail) ? 'untrusted_certificate' : 'server_unreachable', { address, detail });
  // A watched migration may be quiet for hours, but its stream is kept alive every few seconds: silence is a dead link.
  const dispatcher = new Agent({
    connect: { timeout: 10_000, ...(ca && { ca, checkServerIdentity: isServer }) },
    headersTimeout: 600_000,
    bodyTimeout: 30_000,
  });
  const link = new RPCLink({
    url: `${address}/rpc`,
    headers: { authorization },
    fetch: (request, init) => fetch(request, { ...init, dispatcher } as RequestInit),
    interceptors: [unwrapErrors(unreachable)],
  });
  return {
    address,
    fingerprint: ca && normalized(new X509Certificate(ca).fingerprint256),
    api: createORPCClient<ControlClient>(link),
    http: { dispatcher, authorization },
    unreachable,
    close: () => dispatcher.destroy(),
  };
}

/** The pinned authority signs agents too: the common name tells the server from them, by whatever address it is reached. */
function isServer(host: string, certificate: PeerCertificate): Error | undefined {
  return expectPeer(controlName)(host, certificate) && checkServerIdentity(host, certificate);
}

import { request as httpsRequest } from 'node:https';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ConnectionOptions } from 'node:tls';
import { createORPCClient } from '@orpc/client';
import { RPCLink } from '@orpc/client/fetch';
import type { ContractRouterClient } from '@orpc/contract';
import { Agent } from 'undici';
import { StorkyError } from '../../protocol/errors.ts';
import { reason, unwrapErrors } from '../../protocol/orpc-errors.ts';
import type { RegionAddress, regionContract } from '../../protocol/region-contract.ts';
import { readReport } from './refusal.ts';
import { clientTls, type Identity } from './tls.ts';

export type RegionCalls = ContractRouterClient<typeof regionContract>;

export interface RegionClient {
  calls: RegionCalls;
  /** Streams a build's archive to the region; what is there already may be sent again. */
  uploadBuild(sha256: string, archive: Readable): Promise<void>;
  close(): Promise<void>;
}

/** The control plane's end of the region contract: mutual TLS to exactly this region's agent. */
export function connectRegion(identity: Identity, address: RegionAddress): RegionClient {
  const { region, host, port } = address;
  const tls = clientTls(identity, region);
  const unreachable = (detail: string) =>
    new StorkyError('region_unreachable', { region, address: `${host}:${port}`, detail });
  // A call may take minutes (a switch, a slot behind a long transaction); only a dead host is given up on.
  const connect = { ...tls, timeout: 5000, keepAlive: true, keepAliveInitialDelay: 5000 } as ConnectionOptions;
  const dispatcher = new Agent({ connect, headersTimeout: 0, bodyTimeout: 0 });
  const link = new RPCLink({
    url: `https://${host.includes(':') ? `[${host}]` : host}:${port}/rpc`,
    fetch: (request, init) => fetch(request, { ...init, dispatcher } as RequestInit),
    interceptors: [unwrapErrors(unreachable)],
  });
  return {
    calls: createORPCClient(link),
    uploadBuild: (sha256, archive) => upload({ ...tls, host, port }, sha256, archive, unreachable),
    close: () => dispatcher.destroy(),
  };
}

async function upload(
  to: ConnectionOptions,
  sha256: string,
  archive: Readable,
  unreachable: (detail: string) => StorkyError,
): Promise<void> {
  const request = httpsRequest({ ...to, agent: false, method: 'PUT', path: `/builds/${sha256}` } as object);
  const answered = new Promise<void>((resolve, reject) => {
    request.once('error', (error) => reject(unreachable(reason(error))));
    request.once('response', (response) => {
      if (response.statusCode! < 300) return resolve(void response.resume());
      readReport(response).then(reject, (error) => reject(unreachable(reason(error))));
    });
  });
  // A refusal may come before the archive was read to its end: the answer is what counts.
  pipeline(archive, request).catch(() => {});
  await answered;
}

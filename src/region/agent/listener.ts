import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Readable } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import type { AnyRouter } from '@orpc/server';
import { RPCHandler } from '@orpc/server/node';
import { log } from '../../base/log.ts';
import { StorkyError } from '../../protocol/errors.ts';
import { reportErrors, toORPCError } from '../../protocol/orpc-errors.ts';
import type { LinkServer } from '../link/link-server.ts';
import { refuse, sendJson } from '../link/refusal.ts';
import { controlName, type Identity, peerName, serverTls } from '../link/tls.ts';

export interface ListenerOptions {
  identity: Identity;
  listen: { host: string; port: number };
  /** Implements the region contract. */
  router: AnyRouter;
  link: LinkServer;
  /** Keeps an uploaded build's archive, once its bytes hash to this. */
  receiveBuild(sha256: string, archive: Readable): Promise<void>;
}

export interface Listener {
  port: number;
  close(): Promise<void>;
}

/**
 * The agent's only port. Who calls is who the certificate names: the control plane may ask for anything in the region
 * contract and upload builds, but opens no stream; another region may open the streams it was granted, and nothing else.
 */
export async function startListener(options: ListenerOptions): Promise<Listener> {
  const onUnexpected = (error: unknown) => log.error({ err: error }, 'a call from the control plane failed');
  const rpc = new RPCHandler(options.router, { clientInterceptors: [reportErrors(onUnexpected)] });
  // A build takes as long to come as it takes: only its headers have to be here in time.
  const server = createServer({ ...serverTls(options.identity), requestTimeout: 0, keepAliveTimeout: 60_000 });
  server.on('request', (request, response) => void answer(request, response, rpc, options));
  server.on('upgrade', (request, socket, head) => upgrade(request, socket as TLSSocket, head, options.link));
  server.on('tlsClientError', (error, socket) =>
    log.warn({ from: socket.remoteAddress, error: error.message }, 'refused'),
  );
  server.listen(options.listen.port, options.listen.host);
  await once(server, 'listening').catch((error: Error) => {
    throw new StorkyError('bad_request', { field: '--listen', detail: error.message }, { cause: error });
  });
  const close = async () => {
    options.link.close();
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeIdleConnections();
    setTimeout(() => server.closeAllConnections(), graceMs).unref();
    await closed;
  };
  return { port: (server.address() as AddressInfo).port, close };
}

/** How long calls in progress may take once the agent stops, milliseconds. */
const graceMs = 2000;

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  rpc: RPCHandler<Record<never, never>>,
  options: ListenerOptions,
): Promise<void> {
  try {
    const peer = peerName(request.socket as TLSSocket) ?? 'a nameless peer';
    if (peer !== controlName) throw new StorkyError('forbidden', { who: peer, action: 'give orders to an agent' });
    const build = /^\/builds\/([0-9a-f]{64})$/.exec(request.url ?? '')?.[1];
    if (build && request.method === 'PUT') {
      await options.receiveBuild(build, request);
      return void response.writeHead(204).end();
    }
    if ((await rpc.handle(request, response, { prefix: '/rpc', context: {} })).matched) return;
    throw new StorkyError('bad_request', { field: 'the path', detail: `${request.method} ${request.url} is unknown` });
  } catch (error) {
    const ours = StorkyError.from(error);
    // What calls /rpc reads errors in that protocol's wrapping; everything else gets the bare report.
    if (request.url?.startsWith('/rpc/')) sendJson(response, ours.http, { json: toORPCError(ours).toJSON(), meta: [] });
    else sendJson(response, ours.http, ours.report());
  }
}

function upgrade(request: IncomingMessage, socket: TLSSocket, head: Buffer, link: LinkServer): void {
  const peer = peerName(socket);
  if (peer && peer !== controlName) link.accept(request, socket, head, peer);
  else refuse(socket, new StorkyError('forbidden', { who: peer ?? 'a nameless peer', action: 'open a stream' }));
}

import { createServer, type IncomingMessage, type Server, type ServerOptions } from 'node:http';
import {
  createServer as createSecureServer,
  type ServerOptions as SecureOptions,
  type Server as SecureServer,
} from 'node:https';
import type { AddressInfo, BlockList, Server as NetServer, Socket } from 'node:net';
import type { Entrance } from './entrance.ts';
import { type Listener, markConnection } from './proxy/connection.ts';

type AnyServer = Server | SecureServer;

const tuning: ServerOptions & SecureOptions = {
  keepAliveTimeout: 75_000,
  headersTimeout: 60_000,
  // A body may take as long as it takes; a request that waits at a gate is not late.
  requestTimeout: 0,
  maxHeaderSize: 32 * 1024,
  noDelay: true,
  requireHostHeader: true,
  optimizeEmptyRequests: true,
  shouldUpgradeCallback,
};

export function httpServer(): Server {
  return createServer(tuning);
}

export function httpsServer(options: SecureOptions): SecureServer {
  return createSecureServer({ ...tuning, ...options, ALPNProtocols: ['http/1.1'] });
}

/** `Upgrade: h2c` is an offer that every HTTP/1.1 server may pass over; a request with a body is an ordinary one too. */
function shouldUpgradeCallback(request: IncomingMessage): boolean {
  const { upgrade = '', 'content-length': length = '0', 'transfer-encoding': coding } = request.headers;
  return !/^h2c?\b|^http/i.test(upgrade) && length === '0' && coding === undefined;
}

/** Sends the server's requests to the entrance. */
export function attach(server: AnyServer, listener: Listener, entrance: Entrance, trusted: BlockList): void {
  const plain = listener === 'http' || typeof listener === 'object';
  const connected = plain ? 'connection' : 'secureConnection';
  server.on(connected, (socket: Socket) => markConnection(socket, listener, trusted));
  server.on('request', entrance.onRequest);
  server.on('checkContinue', entrance.onRequest);
  server.on('upgrade', entrance.onUpgrade);
}

/** Resolves with the port really bound. */
export function listen(server: NetServer, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port, backlog: 4096 }, () => {
      server.off('error', reject);
      resolve((server.address() as AddressInfo).port);
    });
  });
}

/** No new connections; resolves when those in use have ended, or are cut after `patienceMs`. */
export function closeServer(server: AnyServer, patienceMs: number): Promise<void> {
  return new Promise((resolve) => {
    // A connection that is kept alive becomes idle only with the end of its last response.
    const idle = setInterval(() => server.closeIdleConnections(), 100);
    const end = () => {
      clearInterval(idle);
      clearTimeout(cut);
      server.closeAllConnections();
      resolve();
    };
    // Connections after an upgrade are not the server's any more: it would wait for them for ever.
    const cut = setTimeout(end, patienceMs);
    server.close(end);
  });
}

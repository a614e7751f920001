import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { networkInterfaces, hostname as ownName } from 'node:os';
import { RPCHandler } from '@orpc/server/node';
import { log } from '../../base/log.ts';
import { RegionName } from '../../protocol/app-record/names.ts';
import { StorkyError } from '../../protocol/errors.ts';
import { reportErrors } from '../../protocol/orpc-errors.ts';
import { controlName } from '../../region/link/tls.ts';
import { type Caller, callerOf, named } from './caller.ts';
import { errorBody, openApiDocument, openApiHandler } from './openapi.ts';
import type { ApiParts } from './parts.ts';
import { controlRouter } from './router.ts';

export interface Listen {
  host: string;
  port: number;
}

/** How long requests in progress may take once the server stops, milliseconds. */
const graceMs = 1_000;

/** Serves the API. The certificate's chain carries the authority itself, so that a client can pin it. */
export async function startApi(parts: ApiParts, listen: Listen): Promise<{ port: number; close(): Promise<void> }> {
  const { certificate, key } = await parts.authority.issue(controlName, hostsFor(listen.host));
  const cert = certificate + parts.authority.certificate;
  const server = createServer({ key, cert, minVersion: 'TLSv1.2', requestTimeout: 0, keepAliveTimeout: 60_000 });
  const handle = requestHandler(parts);
  server.on('request', (request, response) => void handle(request, response));
  server.listen(listen.port, listen.host);
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, close: () => close(server) };
}

function requestHandler(parts: ApiParts) {
  const router = controlRouter(parts);
  const onUnexpected = (error: unknown) => log.error({ err: error }, 'a call failed');
  const rpc = new RPCHandler<Caller>(router, { clientInterceptors: [reportErrors(onUnexpected)] });
  const openApi = openApiHandler(router, onUnexpected);

  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    try {
      const path = request.url?.split('?')[0] ?? '';
      if (path === '/healthz') return send(response, 200, { ok: true });
      if (path === '/openapi.json') return send(response, 200, await openApiDocument());
      if (path === '/ca.pem') return sendPem(response, parts.authority.certificate);
      const context = await callerOf(request, parts.tokens);
      const build = /^\/v1\/regions\/([^/]+)\/builds\/([0-9a-f]{64})$/.exec(path);
      if (build && request.method === 'PUT') return await upload(parts, context, build, request, response);
      if ((await rpc.handle(request, response, { prefix: '/rpc', context })).matched) return;
      if ((await openApi.handle(request, response, { prefix: '/v1', context })).matched) return;
      throw new StorkyError('not_found', { what: `${request.method} ${path}` });
    } catch (error) {
      refuse(response, error);
    }
  };
}

/** Straight through to the region's agent, without keeping it here. */
async function upload(
  { agents, audit }: ApiParts,
  caller: Caller,
  [, region, sha256]: RegExpExecArray,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const who = named(caller);
  const client = await agents.of(RegionName.parse(region));
  await client.uploadBuild(sha256!, request);
  await audit.record(who, 'builds.upload', `${region} ${sha256}`, 'done');
  send(response, 200, {});
}

function refuse(response: ServerResponse, thrown: unknown): void {
  const error = StorkyError.from(thrown);
  if (error.code === 'internal') log.error({ err: thrown }, 'a request failed');
  if (response.headersSent) return void response.destroy();
  // What was not read of the request would be taken for the next one.
  response.setHeader('connection', 'close');
  send(response, error.http, errorBody(error));
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

function sendPem(response: ServerResponse, pem: string): void {
  response.writeHead(200, { 'content-type': 'application/x-pem-file' }).end(pem);
}

async function close(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  setTimeout(() => server.closeAllConnections(), graceMs).unref();
  await closed;
}

/** The names under which clients may reach this server. */
function hostsFor(host: string): string[] {
  const everywhere = host === '0.0.0.0' || host === '::';
  const addresses = Object.values(networkInterfaces()).flatMap((all) => all?.map(({ address }) => address) ?? []);
  const own = everywhere ? addresses.filter((address) => !address.includes('%')) : [host];
  return [...new Set(['localhost', '127.0.0.1', '::1', ownName(), ...own])];
}

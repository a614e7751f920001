import type { IncomingMessage } from 'node:http';
import { type Connection, connectionOf } from './connection.ts';

/** A request's head, ready for the app: nothing that belongs to one connection only, and who is behind this router. */
export interface RequestHead {
  method: string;
  path: string;
  /** Lower case, without the port; '' where there is none. */
  host: string;
  /** Names and values in turn, in the client's own case and order. */
  headers: string[];
  hasBody: boolean;
  /** Of the body; null when it comes in chunks. */
  contentLength: number | null;
  connection: Connection;
  /** From a peer region only: the app's name here, its name there, by which switch, and how many routers have forwarded it. */
  forwardApp: string | null;
  forwardedBy: string | null;
  forwardEpoch: number;
  /** The entry of the app by which it came, here or in the peer region; null where its host named the app. */
  entry: string | null;
  hops: number;
  /** The protocol that the client asks to change to. */
  upgrade: string | null;
  cookie: string | null;
}

/** Why a request is not taken: an HTTP status and a sentence. */
export class BadRequest {
  readonly status: number;
  readonly text: string;
  constructor(status: number, text: string) {
    this.status = status;
    this.text = text;
  }
}

type Part =
  | 'hop'
  | 'host'
  | 'connection'
  | 'length'
  | 'coding'
  | 'for'
  | 'proto'
  | 'fhost'
  | 'forwarded'
  | 'upgrade'
  | 'cookie'
  | 'ours';

/** Headers that are not simply passed on. By name in the usual spellings, since every header is looked up here. */
const parts = new Map<string, Part>();
const spelled: Record<string, Part> = {
  Host: 'host',
  Connection: 'connection',
  'Content-Length': 'length',
  'Transfer-Encoding': 'coding',
  'X-Forwarded-For': 'for',
  'X-Forwarded-Proto': 'proto',
  'X-Forwarded-Host': 'fhost',
  Forwarded: 'forwarded',
  Upgrade: 'upgrade',
  Cookie: 'cookie',
  'Keep-Alive': 'hop',
  'Proxy-Connection': 'hop',
  'Proxy-Authorization': 'hop',
  TE: 'hop',
  Trailer: 'hop',
  'HTTP2-Settings': 'hop',
  // Answered here (`100 Continue`), when the request goes on to the app.
  Expect: 'hop',
};
for (const [name, part] of Object.entries(spelled)) parts.set(name, part).set(name.toLowerCase(), part);

/**
 * Reads a request's raw headers in one pass. Refused is whatever two servers could understand in two ways (request
 * smuggling), and whatever pretends to come from a peer region: `storky-` headers are ours.
 */
export function readHead(request: IncomingMessage): RequestHead | BadRequest {
  const connection = connectionOf(request.socket);
  const head: RequestHead = {
    method: request.method!,
    path: request.url!,
    host: '',
    headers: [],
    hasBody: false,
    contentLength: null,
    connection,
    forwardApp: null,
    forwardedBy: null,
    forwardEpoch: 0,
    entry: connection.entry?.name ?? null,
    hops: 0,
    upgrade: null,
    cookie: null,
  };
  const { headers } = head;
  const raw = request.rawHeaders;
  const trusted = connection.trusted;
  let host: string | undefined;
  let chain = '';
  let proto: string | undefined;
  let forwardedHost: string | undefined;
  let named: string | undefined;
  for (let n = 0; n < raw.length; n += 2) {
    const name = raw[n]!;
    const value = raw[n + 1]!;
    const part = parts.get(name) ?? unusual(name);
    if (part === undefined) headers.push(name, value);
    else if (part === 'host') {
      if (host !== undefined) return new BadRequest(400, 'Two Host headers.');
      host = value;
      headers.push(name, value);
    } else if (part === 'length') {
      head.contentLength = Number(value);
      headers.push(name, value);
    } else if (part === 'cookie') {
      head.cookie = value;
      headers.push(name, value);
    } else if (part === 'coding') {
      // Any other coding would be lost on the way, and the body with it.
      if (value.toLowerCase() !== 'chunked') return new BadRequest(501, 'This transfer coding is not supported.');
      head.hasBody = true;
    } else if (part === 'connection') named = named === undefined ? value : `${named},${value}`;
    else if (part === 'for') chain = chain === '' ? value : `${chain}, ${value}`;
    else if (part === 'proto') proto = value;
    else if (part === 'fhost') forwardedHost = value;
    else if (part === 'upgrade') head.upgrade = value;
    else if (part === 'forwarded' && trusted) headers.push(name, value);
    else if (part === 'ours') {
      if (!connection.peer) return new BadRequest(400, 'Headers that begin with storky- are reserved.');
      const key = name.toLowerCase();
      if (key === 'storky-forward-app') head.forwardApp = value;
      else if (key === 'storky-forwarded-by') head.forwardedBy = value;
      else if (key === 'storky-forward-epoch') head.forwardEpoch = Number(value) || 0;
      else if (key === 'storky-forward-entry') head.entry = value;
      else if (key === 'storky-hops') head.hops = Number(value) || 0;
    }
  }
  if (head.contentLength !== null && head.contentLength > 0) head.hasBody = true;
  if (named !== undefined && !plain.has(named)) head.headers = withoutNamed(headers, named);
  if (head.path.charCodeAt(0) !== 47) {
    const absolute = readAbsoluteTarget(head);
    if (absolute === undefined) return new BadRequest(400, 'This request target is not supported.');
    host = absolute;
  }
  host ??= '';
  head.host = withoutPort(host);
  if (head.entry !== null) addAsCame(head, chain, proto, forwardedHost);
  else addForwarded(head, chain, (trusted && proto) || connection.proto, (trusted && forwardedHost) || host);
  return head;
}

function unusual(name: string): Part | undefined {
  const lower = name.toLowerCase();
  return lower.startsWith('storky-') ? 'ours' : parts.get(lower);
}

/** Values of Connection that name no header. */
const plain = new Set(['keep-alive', 'Keep-Alive', 'close', 'Upgrade', 'upgrade']);

/** A client may name headers that end here; not the two that say where the request goes and how long it is. */
function withoutNamed(headers: string[], named: string): string[] {
  const drop = new Set(
    named
      .toLowerCase()
      .split(',')
      .map((token) => token.trim()),
  );
  for (const kept of ['host', 'content-length', 'cookie', 'authorization']) drop.delete(kept);
  const left: string[] = [];
  for (let n = 0; n < headers.length; n += 2)
    if (!drop.has(headers[n]!.toLowerCase())) left.push(headers[n]!, headers[n + 1]!);
  return left;
}

/** `GET http://host/path`: its host counts, not the header's (RFC 9112, 3.2.2). */
function readAbsoluteTarget(head: RequestHead): string | undefined {
  const match = /^https?:\/\/([^/?#]+)(.*)$/i.exec(head.path);
  if (!match) return undefined;
  const [, host, path] = match as unknown as [string, string, string];
  head.path = path.startsWith('/') ? path : `/${path}`;
  const at = head.headers.findIndex((name, n) => n % 2 === 0 && name.toLowerCase() === 'host');
  if (at >= 0) head.headers[at + 1] = host;
  else head.headers.push('Host', host);
  return host;
}

export function withoutPort(host: string): string {
  const colon = host.charCodeAt(0) === 91 ? host.indexOf(':', host.indexOf(']')) : host.indexOf(':');
  const name = (colon < 0 ? host : host.slice(0, colon)).toLowerCase();
  return name.endsWith('.') ? name.slice(0, -1) : name;
}

/**
 * Two routers of Storky count as one hop: what a peer region's router said is kept as it is, so that an app sees the same
 * headers before and after its move. Elsewhere the client's address is appended; the protocol and host that the client
 * used are believed only from a trusted proxy.
 */
function addForwarded(head: RequestHead, chain: string, proto: string, host: string): void {
  const { connection, headers } = head;
  const { address } = connection;
  if (!connection.peer) headers.push('X-Forwarded-For', chain === '' ? address : `${chain}, ${address}`);
  else if (chain !== '') headers.push('X-Forwarded-For', chain);
  headers.push('X-Forwarded-Proto', proto, 'X-Forwarded-Host', host);
}

/**
 * At an entry this router stands where the app stood: what a proxy in front said reaches the app as it was said. Only the
 * client's address is new where nobody told it, since the app cannot see it any more.
 */
function addAsCame({ connection, headers }: RequestHead, chain: string, proto?: string, host?: string): void {
  if (chain !== '' || !connection.peer) headers.push('X-Forwarded-For', chain === '' ? connection.address : chain);
  if (proto !== undefined) headers.push('X-Forwarded-Proto', proto);
  if (host !== undefined) headers.push('X-Forwarded-Host', host);
}

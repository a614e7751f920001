import { type ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';

/** A short answer of the router's own. */
export interface Reply {
  status: number;
  text: string;
  headers?: Record<string, string>;
}

export const replies = {
  alive: { status: 200, text: 'The gate is here.' },
  unknownHost: { status: 404, text: 'No app is here under this name.' },
  unreachable: { status: 502, text: 'The app does not answer.' },
  stopped: { status: 503, text: 'The app does not run at the moment.', headers: { 'Retry-After': '30' } },
  broken: { status: 502, text: 'The app broke off its answer.' },
  late: { status: 504, text: 'The app did not answer in time.' },
  badRequest: { status: 400, text: 'The request is not valid.' },
  full: { status: 503, text: 'Too many requests are waiting; please try again.', headers: { 'Retry-After': '2' } },
  tooLong: { status: 503, text: 'This took too long; please try again.', headers: { 'Retry-After': '2' } },
  loop: { status: 508, text: 'The regions forward this request to each other.' },
} as const satisfies Record<string, Reply>;

export function sendReply(response: ServerResponse, reply: Reply): void {
  if (response.headersSent || response.destroyed) return;
  const body = `${reply.text}\n`;
  response.writeHead(reply.status, {
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': 'no-store',
    ...reply.headers,
  });
  response.end(body);
}

/** On a connection that asked for an upgrade; it is closed then. */
export function sendRawReply(socket: Duplex, reply: Reply): void {
  if (socket.destroyed || !socket.writable) return;
  const body = `${reply.text}\n`;
  const headers = Object.entries(reply.headers ?? {}).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(
    `HTTP/1.1 ${reply.status} ${STATUS_CODES[reply.status]}\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\n${headers.join('')}\r\n${body}`,
  );
}

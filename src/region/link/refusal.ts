import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex, Readable } from 'node:stream';
import { type ErrorReport, StorkyError } from '../../protocol/errors.ts';

/** Answers an upgrade request with an error report instead of a stream. */
export function refuse(socket: Duplex, error: StorkyError): void {
  const body = JSON.stringify(error.report());
  socket.on('error', () => {});
  socket.end(
    `HTTP/1.1 ${error.http} ${STATUS_CODES[error.http]}\r\nContent-Type: application/json\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
    () => socket.destroy(),
  );
}

/** Answers an ordinary request; where an answer had begun already, breaks it off. */
export function sendJson(response: ServerResponse, status: number, value: unknown): void {
  if (response.headersSent) return void response.destroy();
  const body = JSON.stringify(value);
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
  response.end(body);
}

/** The report in a response, as the error that was sent. */
export async function readReport(response: IncomingMessage): Promise<StorkyError> {
  const body = await readText(response);
  try {
    return StorkyError.fromReport(JSON.parse(body) as ErrorReport);
  } catch {
    return new StorkyError('internal', { detail: `HTTP ${response.statusCode}: ${body.slice(0, 200)}` });
  }
}

/** At most `maxBytes`, since a peer's answer is not our memory's measure. */
export async function readText(stream: Readable, maxBytes = 64 * 1024 * 1024): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBytes) throw new StorkyError('bad_request', { field: 'body', detail: `over ${maxBytes} bytes` });
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

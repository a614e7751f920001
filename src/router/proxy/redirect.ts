import type { Gate } from '../../protocol/gate.ts';
import type { Reply } from './reply.ts';
import type { RequestHead } from './request-head.ts';

/** Where the gate's settings send this request instead, or undefined. 308 keeps the method and the body. */
export function redirectOf(gate: Gate, head: RequestHead, httpsPort: number | null): Reply | undefined {
  if (!gate.forceHttps && gate.canonicalHost === null) return undefined;
  if (head.connection.peer || head.entry !== null) return undefined;
  const proto = protocolOf(head);
  const host = gate.canonicalHost ?? head.host;
  const secure = gate.forceHttps || proto === 'https';
  if (host === head.host && secure === (proto === 'https')) return undefined;
  const port = secure && httpsPort !== null && httpsPort !== 443 ? `:${httpsPort}` : '';
  const location = `${secure ? 'https' : 'http'}://${host}${port}${head.path}`;
  return { status: 308, text: `This page is at ${location}`, headers: { Location: location } };
}

/** What the client speaks, which a trusted proxy in front may know better. */
function protocolOf(head: RequestHead): string {
  const at = head.headers.lastIndexOf('X-Forwarded-Proto');
  return (head.headers[at + 1] ?? 'http').split(',')[0]!.trim();
}

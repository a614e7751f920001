import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { request as httpsRequest } from 'node:https';
import { type ConnectionOptions, connect } from 'node:tls';
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { log } from '../../base/log.ts';
import { type ErrorFields, type ErrorReport, StorkyError } from '../../protocol/errors.ts';
import { reason } from '../../protocol/orpc-errors.ts';
import { readText } from '../link/refusal.ts';
import { controlName, expectPeer, type Identity } from '../link/tls.ts';
import type { Address, AgentIdentity } from './identity.ts';

export interface EnrolmentOrder {
  region: string;
  /** `https://host:port` */
  server: string;
  /** `sty_enrol_<secret>.<SHA-256 of the CA's certificate, hex>`: usable once, and only with the server that gave it. */
  token: string;
  /** Where other regions and the server reach this agent. */
  address: Address;
}

const Enrolled = z.object({ region: z.string(), certificate: z.string(), ca: z.string() });

/**
 * Gets the agent its certificate, or keeps the one that it has while that is of this server, not near its end, and for
 * the address that the agent has now. The token names the CA, so the first contact is as safe as every later one: neither
 * it nor our request is sent to a server that another CA vouches for. Throws `server_not_trusted`, `token_used`,
 * `server_unreachable`.
 */
export async function enrol(identity: AgentIdentity, order: EnrolmentOrder): Promise<Identity> {
  const known = identity.load();
  if (!known || authorityOf(known) !== fingerprintIn(order.token)) return enrolAnew(identity, order);
  const why = reasonToRenew(known, identity.knownAddress, order.address);
  if (!why) {
    log.info({ region: known.name }, 'this agent is enrolled already; its token is not used');
    return known;
  }
  try {
    return await enrolAnew(identity, order);
  } catch (error) {
    // What it has still works for those who find it: an agent that serves is better than one that does not start.
    log.warn({ region: known.name, error: (error as Error).message }, `this agent should be enrolled again: ${why}`);
    return known;
  }
}

function reasonToRenew(known: Identity, before: Address | undefined, now: Address): string | undefined {
  const left = new X509Certificate(known.certificate).validToDate.getTime() - Date.now();
  if (left < renewMs) return `its certificate ends in ${Math.floor(left / dayMs)} days`;
  return isDeepStrictEqual(before, now) ? undefined : 'its address has changed';
}

const dayMs = 24 * 60 * 60 * 1000;
const renewMs = 30 * dayMs;

const authorityOf = ({ ca }: Identity) => sha256(new X509Certificate(ca));

async function enrolAnew(identity: AgentIdentity, order: EnrolmentOrder): Promise<Identity> {
  const { host, port } = hostAndPort(order.server);
  const ca = await pinnedAuthority(host, port, order);
  const csr = await identity.request(order.region);
  const body = JSON.stringify({ token: order.token, csr, address: order.address });
  const answer = await post({ host, port, ca, ...trusting, checkServerIdentity: expectPeer(controlName) }, body, order);
  return identity.store(order.region, answer.certificate, answer.ca, order.address);
}

const trusting = { minVersion: 'TLSv1.3', servername: controlName } as const;

/** The authority's certificate out of the chain that the server shows, if it is the one that the token names. */
async function pinnedAuthority(host: string, port: number, order: EnrolmentOrder): Promise<string> {
  const fingerprint = fingerprintIn(order.token);
  const untrusted = (detail: string) => new StorkyError('server_not_trusted', { address: order.server, detail });
  const chain = await shownChain(host, port, order.server);
  const authority = chain.find((certificate) => sha256(certificate) === fingerprint);
  if (!authority?.ca) throw untrusted('its certificates are of another authority');
  const leaf = chain[0]!;
  if (!leaf.checkIssued(authority) || !leaf.verify(authority.publicKey))
    throw untrusted('it was not signed by its authority');
  return authority.toString();
}

function fingerprintIn(token: string): string {
  const fingerprint = /\.([0-9a-f]{64})$/.exec(token)?.[1];
  if (fingerprint) return fingerprint;
  throw new StorkyError('bad_request', { field: '--token', detail: 'it is not an enrolment token' });
}

const sha256 = (certificate: X509Certificate) => certificate.fingerprint256.replaceAll(':', '').toLowerCase();

/** Unverified: it is read for its certificates, and nothing is sent. */
async function shownChain(host: string, port: number, address: string): Promise<X509Certificate[]> {
  const socket = connect({ host, port, ...trusting, rejectUnauthorized: false });
  try {
    await once(socket, 'secureConnect', { signal: AbortSignal.timeout(patienceMs) });
    const chain: X509Certificate[] = [];
    let next = socket.getPeerCertificate(true);
    while (next?.raw && !chain.some((seen) => seen.raw.equals(next.raw))) {
      chain.push(new X509Certificate(next.raw));
      next = next.issuerCertificate;
    }
    return chain;
  } catch (error) {
    throw new StorkyError('server_unreachable', { address, detail: reason(error) }, { cause: error });
  } finally {
    socket.destroy();
  }
}

const patienceMs = 10_000;

async function post(to: ConnectionOptions, body: string, order: EnrolmentOrder): Promise<z.infer<typeof Enrolled>> {
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
  const signal = AbortSignal.timeout(3 * patienceMs);
  const request = httpsRequest({ ...to, agent: false, method: 'POST', path: '/v1/enrol', headers, signal } as object);
  request.end(body);
  try {
    const [response] = await once(request, 'response');
    const text = await readText(response, 1024 * 1024);
    if (response.statusCode >= 300) throw refusal(text, response.statusCode);
    return Enrolled.parse(JSON.parse(text));
  } catch (error) {
    if (error instanceof StorkyError) throw error;
    throw new StorkyError('server_unreachable', { address: order.server, detail: reason(error) }, { cause: error });
  }
}

function refusal(text: string, status: number): StorkyError {
  try {
    const body = JSON.parse(text) as { data?: ErrorReport; code: string; error?: string; fields?: ErrorFields };
    return StorkyError.fromReport(body.data ?? { code: body.code, what: body.error, fields: body.fields });
  } catch {
    return new StorkyError('internal', { detail: `HTTP ${status}: ${text.slice(0, 200)}` });
  }
}

function hostAndPort(server: string): { host: string; port: number } {
  const url = URL.parse(server);
  if (url?.protocol !== 'https:') {
    throw new StorkyError('bad_request', { field: '--server', detail: `${server} is not an https address` });
  }
  return { host: url.hostname.replace(/^\[|\]$/g, ''), port: Number(url.port || 443) };
}

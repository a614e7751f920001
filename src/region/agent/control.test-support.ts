import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { StorkyError } from '../../protocol/errors.ts';
import { toORPCError } from '../../protocol/orpc-errors.ts';
import type { TestAuthority } from '../link/authority.test-support.ts';
import { readText } from '../link/refusal.ts';
import { controlName } from '../link/tls.ts';

export interface EnrolmentDesk {
  url: string;
  token: string;
  /** Every request, as it came. */
  asked: { token: string; csr: string; address: unknown }[];
  close(): void;
}

/** A control plane that does nothing but enrol; tests of the real one are elsewhere. */
export async function openEnrolmentDesk(
  authority: TestAuthority,
  options: { region?: string; name?: string; signAs?: string; refuse?: StorkyError } = {},
): Promise<EnrolmentDesk> {
  const region = options.region ?? 'osc-fr1';
  const { key, certificate } = await authority.issue(options.name ?? controlName);
  const asked: EnrolmentDesk['asked'] = [];
  const server = createServer({ key, cert: `${certificate}\n${authority.ca}` }, async (request, response) => {
    const body = JSON.parse(await readText(request));
    asked.push(body);
    const granted = { region, certificate: await authority.sign(body.csr, options.signAs ?? region), ca: authority.ca };
    const answer = options.refuse ? toORPCError(options.refuse).toJSON() : granted;
    response.writeHead(options.refuse?.http ?? 200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { url, asked, token: `sty_enrol_secret.${authority.fingerprint}`, close: () => server.close() };
}

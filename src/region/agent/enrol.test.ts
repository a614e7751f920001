import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { StorkyError } from '../../protocol/errors.ts';
import { TestAuthority } from '../link/authority.test-support.ts';
import { type EnrolmentDesk, openEnrolmentDesk } from './control.test-support.ts';
import { enrol } from './enrol.ts';
import { AgentIdentity } from './identity.ts';

let folder: string;
let authority: TestAuthority;
const desks: EnrolmentDesk[] = [];
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'storky-enrol-'));
  authority = await TestAuthority.create();
});
afterEach(() => {
  rmSync(folder, { recursive: true });
  for (const desk of desks.splice(0)) desk.close();
});

async function listen(options: Parameters<typeof openEnrolmentDesk>[1] = {}) {
  const desk = await openEnrolmentDesk(authority, options);
  desks.push(desk);
  return desk;
}

const address = { host: '127.0.0.1', port: 7501, ingressPort: 7502 };
const enrolAt = (url: string, fingerprint = authority.fingerprint, port = address.port) =>
  enrol(AgentIdentity.open(folder), {
    region: 'osc-fr1',
    server: url,
    token: `sty_enrol_secret.${fingerprint}`,
    address: { ...address, port },
  });
const caught = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error) => error as StorkyError,
  );

test('a token gets the agent a certificate for its own key, once', async () => {
  const { url, asked } = await listen();
  const identity = await enrolAt(url);
  expect(identity).toMatchObject({ name: 'osc-fr1', ca: authority.ca });
  expect(asked).toMatchObject([{ token: `sty_enrol_secret.${authority.fingerprint}`, address }]);
  expect(await enrolAt(url)).toEqual(identity);
  expect(AgentIdentity.open(folder).load()).toEqual(identity);
  expect(asked).toHaveLength(1);
  expect(statSync(AgentIdentity.open(folder).files.key).mode & 0o777).toBe(0o600);
});

test('an agent with a new address enrols again; where it may not, it goes on with what it has', async () => {
  const { url, asked } = await listen();
  await enrolAt(url);
  await enrolAt(url, authority.fingerprint, 7601);
  expect(asked.at(-1)).toMatchObject({ address: { port: 7601 } });
  const refusing = await listen({ refuse: new StorkyError('token_used', { region: 'osc-fr1' }) });
  expect(await enrolAt(refusing.url, authority.fingerprint, 7701)).toMatchObject({ name: 'osc-fr1' });
  expect(AgentIdentity.open(folder).knownAddress?.port).toBe(7601);
});

test("a token of a server that was set up anew replaces the old server's certificate", async () => {
  await enrolAt((await listen()).url);
  authority = await TestAuthority.create();
  expect(await enrolAt((await listen()).url)).toMatchObject({ ca: authority.ca });
});

test('a server of another authority is not even told the token', async () => {
  const other = await TestAuthority.create();
  const { url, asked } = await listen();
  expect(await caught(enrolAt(url, other.fingerprint))).toMatchObject({ code: 'server_not_trusted' });
  expect(asked).toEqual([]);
  expect(AgentIdentity.open(folder).load()).toBeUndefined();
});

test('a certificate of the right authority that is not the control plane is not told the token', async () => {
  const { url, asked } = await listen({ name: 'osc-fr2' });
  const error = await caught(enrolAt(url));
  expect(error?.fields.detail).toContain('expected the certificate of storky-control, but osc-fr2 answered');
  expect(asked).toEqual([]);
});

test('a used token is the error that the server gave', async () => {
  const { url } = await listen({ refuse: new StorkyError('token_used', { region: 'osc-fr1' }) });
  expect(await caught(enrolAt(url))).toMatchObject({ code: 'token_used', fields: { region: 'osc-fr1' } });
});

test('a certificate for another region than this agent is refused', async () => {
  const { url } = await listen({ signAs: 'osc-fr2' });
  expect((await caught(enrolAt(url)))?.message).toContain('it is for osc-fr2, not for osc-fr1');
  expect(AgentIdentity.open(folder).load()).toBeUndefined();
});

test('nobody listening, or no https address, says so', async () => {
  expect(await caught(enrolAt('https://127.0.0.1:1'))).toMatchObject({ code: 'server_unreachable', next: 'retry' });
  expect(await caught(enrolAt('http://127.0.0.1:1'))).toMatchObject({
    code: 'bad_request',
    fields: { field: '--server' },
  });
});

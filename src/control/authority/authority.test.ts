import { X509Certificate } from 'node:crypto';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { tempFolder } from '../../../test/support/temp-folder.ts';
import { AgentIdentity } from '../../region/agent/identity.ts';
import { Authority } from './authority.ts';

test('the root is made once, and its key is for the owner alone', async () => {
  const folder = tempFolder('authority');
  const first = await Authority.open(folder);
  const again = await Authority.open(folder);
  expect(again.certificate).toBe(first.certificate);
  expect(first.fingerprint).toBe(
    new X509Certificate(first.certificate).fingerprint256.replaceAll(':', '').toLowerCase(),
  );
  expect(statSync(join(folder, 'authority.json')).mode & 0o777).toBe(0o600);
});

test("an agent's certificate bears the name that we say, not the one that was asked for", async () => {
  const folder = tempFolder('authority');
  const authority = await Authority.open(folder);
  const csr = await AgentIdentity.open(join(folder, 'agent')).request('storky-control');
  const certificate = new X509Certificate(await authority.signAgent(csr, 'osc-fr1'));
  expect(certificate.subject).toBe('CN=osc-fr1');
  expect(certificate.ca).toBe(false);
  expect(certificate.verify(new X509Certificate(authority.certificate).publicKey)).toBe(true);
  expect(certificate.checkHost('osc-fr1'), 'a region cannot pose as a host of its name').toBeUndefined();
});

test("the server's own certificate holds for the names under which it is reached", async () => {
  const authority = await Authority.open(tempFolder('authority'));
  const issued = new X509Certificate(
    (await authority.issue('storky-control', ['localhost', '127.0.0.1', '::1'])).certificate,
  );
  expect(issued.checkHost('localhost')).toBe('localhost');
  expect(issued.checkIP('127.0.0.1')).toBe('127.0.0.1');
  expect(issued.checkIP('::1')).toBe('::1');
  expect(issued.checkHost('example.org')).toBeUndefined();
});

test('what is no request is refused', async () => {
  const authority = await Authority.open(tempFolder('authority'));
  await expect(authority.signAgent('nonsense', 'osc-fr1')).rejects.toMatchObject({ code: 'bad_request' });
});

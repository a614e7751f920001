import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { configPath } from './connection/config.ts';
import { startTestServer, type TestServer, token } from './testing/server.test-support.ts';
import { User } from './testing/storky.test-support.ts';

let server: TestServer;
let user: User;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server[Symbol.asyncDispose]());
beforeEach(() => {
  user = new User();
});
afterEach(() => user[Symbol.dispose]());

describe('login', () => {
  test('with the fingerprint: the config file is private and the next command works', async () => {
    const said = await user.runs(`login ${server.address} --token ${token} --ca-fingerprint ${server.fingerprint}`);
    expect(said).toMatchObject({ exit: 0, stderr: '' });
    expect(statSync(configPath(user)).mode & 0o777).toBe(0o600);
    expect(readFileSync(configPath(user), 'utf8')).toContain('BEGIN CERTIFICATE');
    expect((await user.runs('regions')).exit).toBe(0);
  });

  test('a wrong fingerprint: nothing is stored, the token is not sent', async () => {
    const calls = server.world.calls.length;
    const said = await user.runs(`login ${server.address} --token ${token} --ca-fingerprint ${'0'.repeat(64)}`);
    expect(said.exit).toBe(4);
    expect(said.stderr).toContain('shows another certificate authority');
    expect(server.world.calls).toHaveLength(calls);
    expect((await user.runs('regions')).stderr).toContain('No server is set up on this machine.');
  });

  test('without a fingerprint a person compares it', async () => {
    const line = `login ${server.address} --token ${token}`;
    expect((await user.runs(line)).exit).toBe(3);
    const no = await user.runs(line, { typed: 'n\n' });
    expect(no.exit).toBe(3);
    expect(no.stdout.replaceAll(' ', '')).toContain(server.fingerprint);
    expect((await user.runs(line, { typed: 'y\n' })).exit).toBe(0);
  });

  test('a wrong token is told at once', async () => {
    const said = await user.runs(`login ${server.address} --token wrong --ca-fingerprint ${server.fingerprint}`);
    expect(said.exit).toBe(4);
    expect(said.stderr).toContain('The server does not know this token.');
  });

  test('a server that is not there', async () => {
    const said = await user.runs('login https://127.0.0.1:1 --token x --json');
    expect(said.exit).toBe(4);
    expect(JSON.parse(said.stdout)).toMatchObject({
      code: 'server_unreachable',
      fields: { address: 'https://127.0.0.1:1' },
    });
  });
});

describe('without a config file', () => {
  const env = (ca: string) => ({ STORKY_URL: server.address, STORKY_TOKEN: token, STORKY_CA: ca });

  test('the environment is enough, with a fingerprint or a file', async () => {
    expect((await user.runs('regions', { env: env(server.fingerprint) })).exit).toBe(0);
    writeFileSync(join(user.home, 'ca.pem'), server.authority.certificate);
    expect((await user.runs('regions', { env: env('ca.pem') })).exit).toBe(0);
    expect((await user.runs('regions', { env: env('nowhere.pem') })).exit).toBe(2);
  });

  test('an unknown authority is not trusted', async () => {
    const said = await user.runs('regions', { env: { STORKY_URL: server.address, STORKY_TOKEN: token } });
    expect(said.exit).toBe(4);
    expect(said.stderr).toContain('shows a certificate that this machine does not trust');
  });

  test('no server at all', async () => {
    const said = await user.runs('apps');
    expect(said.exit).toBe(4);
    expect(said.stderr).toContain('→ Start one with `storky server`');
  });
});

test("an agent's certificate of the same authority does not pass for the server's", async () => {
  const impostor = await startTestServer('paris', []);
  try {
    const said = await user.knows(impostor).runs('regions');
    expect(said.exit).toBe(4);
    expect(impostor.world.calls).toHaveLength(0);
  } finally {
    await impostor[Symbol.asyncDispose]();
  }
});

import { createHash, randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { controlContract } from '../../protocol/control-contract.ts';
import { caught, Harness, testToken } from '../testing/harness.test-support.ts';
import type { TestRegion } from '../testing/region.test-support.ts';

const harness = new Harness();
let fr1: TestRegion;
let fr2: TestRegion;

beforeAll(async () => {
  await harness.start();
  fr1 = await harness.region('osc-fr1');
  fr2 = await harness.region('osc-fr2');
}, 60_000);
afterAll(() => harness.stop());

test('a wrong token, or none, is refused with its remedy', async () => {
  for (const token of [null, 'sty_nobody', `${testToken}x`]) {
    expect(await caught((await harness.api(token)).regions.list())).toMatchObject({ code: 'unauthorized', http: 401 });
  }
  const answer = await harness.get('/v1/regions', { token: 'sty_nobody' });
  expect(answer.status).toBe(401);
  expect(await answer.json()).toEqual({
    code: 'unauthorized',
    error: 'The server does not know this token.',
    remedy: 'Run `storky login` with a token that the server printed.',
    fields: {},
  });
});

test('a token that the server makes works with and without the fingerprint, until it is revoked', async () => {
  const api = await harness.api();
  const { id, token } = await api.tokens.create({ name: 'laptop' });
  expect(token).toMatch(new RegExp(`^sty_[\\w-]+\\.${harness.server.fingerprint}$`));
  for (const form of [token, token.split('.')[0]!]) await (await harness.api(form)).regions.list();
  expect(await api.tokens.list()).toContainEqual(expect.objectContaining({ id, name: 'laptop' }));
  await api.tokens.revoke({ id });
  expect(await caught((await harness.api(token)).regions.list())).toMatchObject({ code: 'unauthorized' });
});

test('an enrolled region is reachable; one that stops answering says why', async () => {
  const api = await harness.api();
  await api.regions.add({ name: 'later' });
  expect(await api.regions.list()).toMatchObject([
    { name: 'later', status: 'awaiting-agent' },
    { name: 'osc-fr1', status: 'reachable', info: { protocol: 1 } },
    { name: 'osc-fr2', status: 'reachable' },
  ]);
  await fr2.stop();
  expect((await api.regions.list())[2]).toMatchObject({
    status: 'unreachable',
    detail: expect.stringContaining('osc-fr2'),
  });
  await fr2.start();
  expect((await api.regions.list())[2]).toMatchObject({ status: 'reachable' });
  await api.regions.remove({ name: 'later' });
});

test('an enrolment token works once, and names no region of the asker', async () => {
  const api = await harness.api();
  const { token } = await api.regions.add({ name: 'once' });
  const request = { token, csr: 'nonsense', address: { host: 'x', port: 1, ingressPort: 2 } };
  const open = await harness.api(null);
  expect(await caught(open.regions.enrol(request))).toMatchObject({ code: 'bad_request', fields: { field: 'csr' } });
  expect(await caught(open.regions.enrol({ ...request, token: 'sty_enrol_guess.00' }))).toMatchObject({
    code: 'token_used',
  });
  for (const name of ['storky-control', 'localhost'])
    expect(await caught(api.regions.add({ name }))).toMatchObject({ code: 'bad_request' });
  await api.regions.remove({ name: 'once' });
  expect(await caught(open.regions.enrol(request))).toMatchObject({ code: 'token_used' });
});

test('a region with an app is not removed', async () => {
  fr2.put('keeper');
  const api = await harness.api();
  expect(await caught(api.regions.remove({ name: 'osc-fr2' }))).toMatchObject({ code: 'region_in_use' });
  expect(await caught(api.regions.remove({ name: 'nowhere' }))).toMatchObject({ code: 'unknown_region' });
  fr2.apps.clear();
});

test('an app is found in the region where it is active; two homes have to be told apart', async () => {
  const api = await harness.api();
  fr1.put('shop', { role: 'passive' });
  fr2.put('shop');
  expect(await api.apps.get({ app: 'shop' })).toMatchObject({ region: 'osc-fr2' });
  expect(await api.apps.get({ app: 'shop', region: 'osc-fr1' })).toMatchObject({ region: 'osc-fr1' });
  fr1.put('shop');
  expect(await caught(api.apps.get({ app: 'shop' }))).toMatchObject({
    code: 'app_in_several_regions',
    fields: { app: 'shop', regions: 'osc-fr1 and osc-fr2' },
  });
  expect(await caught(api.apps.get({ app: 'ghost' }))).toMatchObject({ code: 'unknown_app' });
  expect(await caught(api.apps.get({ app: 'shop', region: 'nowhere' }))).toMatchObject({ code: 'unknown_region' });
  fr1.put('shop', { lockedBy: 'a-migration' });
  const change = { app: 'shop', region: 'osc-fr1', set: { A: 'b' }, unset: [] };
  expect(await caught(api.apps.setEnvironment(change))).toMatchObject({ code: 'app_locked', http: 409 });
  fr1.apps.clear();
  fr2.apps.clear();
});

test('a build streams through to the region', async () => {
  const chunk = randomBytes(1024 * 1024);
  const count = 48;
  const hash = createHash('sha256');
  for (let i = 0; i < count; i++) hash.update(chunk);
  const sha256 = hash.digest('hex');
  const body = Readable.from(Array.from({ length: count }, () => chunk));
  const answer = await harness.get(`/v1/regions/osc-fr1/builds/${sha256}`, { method: 'PUT', body });
  expect(answer.status).toBe(200);
  expect(fr1.builds).toEqual([{ sha256, bytes: count * chunk.length, matches: true }]);
  const refused = await harness.get(`/v1/regions/nowhere/builds/${sha256}`, { method: 'PUT', body: 'x' });
  expect(refused.status).toBe(404);
  expect(await refused.json()).toMatchObject({ code: 'unknown_region' });
  const stranger = await harness.get(`/v1/regions/osc-fr1/builds/${sha256}`, { method: 'PUT', body: 'x', token: 'no' });
  expect(stranger.status).toBe(401);
});

test('input that is not valid names its field, and a path that is not there is told', async () => {
  const bad = await harness.get('/v1/regions', { method: 'POST', body: '{"name":"UPPER"}' });
  expect(bad.status).toBe(400);
  expect(await bad.json()).toMatchObject({ code: 'bad_request', fields: { field: 'name' } });
  expect((await harness.get('/v1/regions', { method: 'POST', body: '{' })).status).toBe(400);
  expect(await (await harness.get('/v1/nope')).json()).toMatchObject({ code: 'not_found' });
  expect(await (await harness.get('/healthz')).json()).toEqual({ ok: true });
});

test('the OpenAPI document has every call of the contract', async () => {
  type Document = { openapi: string; paths: Record<string, Record<string, { responses: object }>> };
  const document = (await (await harness.get('/openapi.json')).json()) as Document;
  expect(document.openapi).toMatch(/^3\.1/);
  for (const calls of Object.values(controlContract)) {
    for (const call of Object.values(calls)) {
      const { method, path } = call['~orpc'].route;
      const operation = document.paths[path!]?.[method!.toLowerCase()];
      expect(operation?.responses, `${method} ${path}`).toBeTypeOf('object');
    }
  }
});

test('watching a migration that does not exist is refused at once', async () => {
  const api = await harness.api();
  const gone = await caught(api.migrations.watch({ app: 'shop', id: 'no-such-id' }));
  expect(gone).toMatchObject({ code: 'unknown_migration', http: 404 });
});

import { setTimeout as sleep } from 'node:timers/promises';
import { Agent } from 'undici';
import { expect, it } from 'vitest';
import type { ForwardTarget } from '../protocol/gate.ts';
import { gateOf, startApp, startRouter, type TestRouter, writeEpoch } from './router.test-support.ts';

const limits = { budgetMs: 10_000, maxRequests: 10_000, maxBytes: 64 * 1024 * 1024 };

/** Who was acknowledged, and by which region each request was seen; the app takes a moment, as apps do. */
async function region(name: string, seen: Map<string, number>) {
  let active = 0;
  const app = await startApp((request, response) => {
    active++;
    let body = '';
    request.on('data', (chunk) => (body += chunk));
    request.on('end', () =>
      setTimeout(() => {
        if (request.method === 'POST') seen.set(body, (seen.get(body) ?? 0) + 1);
        active--;
        response.end(name);
      }, Math.random() * 4),
    );
  });
  const router = await startRouter(name);
  await router.client.put(gateOf('shop', [app.port]));
  return { ...router, active: () => active };
}

it('under load, with the app moved to and fro: no request fails, is lost or done twice, and silence is silent', async () => {
  const seen = new Map<string, number>();
  const [here, there] = [await region('osc-fr1', seen), await region('osc-fr2', seen)];
  let epoch = 1;
  const way = (to: TestRouter, name: string): ForwardTarget => ({
    region: name,
    host: '127.0.0.1',
    port: to.ports.ingress,
    app: 'shop',
    epoch,
  });
  await there.client.forward('shop', way(here, 'osc-fr1'));

  const agent = new Agent({ connections: 24 });
  const acknowledged: string[] = [];
  const failures: unknown[] = [];
  const answeredBy = new Map<string, number>();
  let running = true;
  const visit = async (visitor: number) => {
    for (let n = 0; running; n++) {
      const port = (visitor % 2 ? here : there).ports.http;
      const id = `${visitor}-${n}`;
      const write = n % 2 === 0;
      try {
        const { statusCode, body } = await agent.request({
          origin: `http://127.0.0.1:${port}`,
          path: `/${id}`,
          method: write ? 'POST' : 'GET',
          headers: { host: 'shop.test' },
          body: write ? id : undefined,
        });
        const name = await body.text();
        if (statusCode !== 200) failures.push([id, statusCode, name]);
        else answeredBy.set(name, (answeredBy.get(name) ?? 0) + 1);
        if (write) acknowledged.push(id);
      } catch (error) {
        failures.push([id, error]);
      }
    }
  };
  const visitors = [...Array(20).keys()].map(visit);

  for (let n = 0; n < 20; n++) {
    const [source, target, name] = n % 2 ? [there, here, 'osc-fr1'] : [here, there, 'osc-fr2'];
    await sleep(40);
    await source.client.hold('shop', limits, ++epoch, writeEpoch(source.folder, 'active', epoch - 1));
    expect(await source.client.drain('shop', 5_000)).toEqual({ inFlight: 0, longLived: 0 });
    expect(source.active(), 'the app is silent after a drain').toBe(0);
    if (n % 5 === 4) await source.client.serve('shop');
    await source.client.hold('shop', limits, epoch, writeEpoch(source.folder, 'active', epoch - 1));
    await source.client.drain('shop', 5_000);
    await target.client.serve('shop');
    await source.client.forward('shop', way(target, name));
  }
  running = false;
  await Promise.all(visitors);
  await agent.close();

  expect(failures).toEqual([]);
  expect(acknowledged.length).toBeGreaterThan(100);
  for (const id of acknowledged) expect(seen.get(id), id).toBe(1);
  expect([...answeredBy.keys()].sort()).toEqual(['osc-fr1', 'osc-fr2']);
  for (const { client } of [here, there])
    expect(await client.metrics('shop')).toMatchObject({
      failed: 0,
      refused: 0,
      inFlight: 0,
      waiting: 0,
      longLived: 0,
    });
});

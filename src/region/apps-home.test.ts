import { expect, it } from 'vitest';
import { ask, gateOf, startApp, startRouter } from '../router/router.test-support.ts';
import { gateOf as gateAtHome } from './apps-home.ts';

it('a process that is restarted while a switch warms its gate keeps its new port there', async () => {
  const [old, fresh] = [
    await startApp((_, response) => response.end('old')),
    await startApp((_, response) => response.end('new')),
  ];
  const { client, ports } = await startRouter('osc-fr1');
  await client.put(gateOf('shop', [old.port]));
  const read = client.status.bind(client);
  client.status = async () => {
    const answer = await read();
    await old.close();
    await client.upstreams('shop', [`127.0.0.1:${fresh.port}`]);
    return answer;
  };
  const to = { region: 'osc-fr2', host: '127.0.0.1', port: 9, app: 'shop', epoch: 1 };
  await gateAtHome(client, 'shop', '/nowhere').warm(to);
  expect((await ask(ports.http)).body).toBe('new');
  const { gates } = await read();
  expect(gates[0]!.gate).toMatchObject({ state: 'serve', forward: { region: 'osc-fr2', epoch: 1 } });
});

it('connections past the gate are looked for before the hold, and in the drain only where there were any', async () => {
  const { client } = await startRouter('osc-fr1');
  const app = await startApp((_, response) => response.end('here'));
  await client.put(gateOf('shop', [app.port]));
  const to = { region: 'osc-fr2', host: '127.0.0.1', port: 9, app: 'shop', epoch: 1 };
  let looks = 0;
  const left = ['a', 'b'];
  const free = gateAtHome(client, 'shop', '/nowhere', () => {
    looks++;
    return [];
  });
  await free.warm(to);
  expect([await free.drain(1_000), looks]).toEqual([{ inFlight: 0 }, 1]);
  const busy = gateAtHome(client, 'shop', '/nowhere', () => [...left]);
  await busy.warm(to);
  setTimeout(() => left.splice(0), 50);
  expect(await busy.drain(5_000)).toEqual({ inFlight: 0 });
  expect(left).toEqual([]);
});

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { projectRoot, type Spawned } from '../../../../test/support/spawned.ts';
import { tempFolder } from '../../../../test/support/temp-folder.ts';
import { waitFor } from '../../../../test/support/wait-for.ts';
import { type GateOrder, gateLifeMs } from '../contract.ts';
import { passingBy } from '../passing.ts';
import { canMakeRules, DockerLikeNetwork } from '../testing/network.ts';

const helper = (name: string) => join(projectRoot, 'src/drivers/gate/testing', name);
const gatePort = 18_080;

/** An app in a container, published as 8080; in the router's place a server that tells that a request came by the gate. */
async function stage(tool: string) {
  const network = DockerLikeNetwork.make();
  const app = network.spawn(network.container, process.execPath, [helper('app.ts'), '80', 'app']);
  const router = network.spawn(network.host, process.execPath, [helper('app.ts'), String(gatePort), 'gate']);
  await Promise.all([app.says(/listening/), router.says(/listening/)]);
  const folder = tempFolder('gate');
  const order: GateOrder = {
    app: 'my-shop',
    folder,
    entries: [
      {
        name: 'web',
        routerPort: gatePort,
        ways: [
          { kind: 'published', address: null, port: 8080 },
          { kind: 'container', address: network.containerAddress, port: 80 },
        ],
      },
    ],
  };
  const path = join(folder, 'order.json');
  writeFileSync(path, JSON.stringify(order));
  const gate = (verb: string): Spawned =>
    network.spawn(network.host, process.execPath, [helper('keep.ts'), path, tool, verb]);
  const ask = (from: string, address: string, port = 8080, path = '/') => {
    try {
      return network.run(from, 'curl', ['-s', '-S', '-m', '3', `http://${address}:${port}${path}`]).trim();
    } catch (error) {
      return String(error);
    }
  };
  const published = () => ask(network.client, network.hostAddress);
  return { network, app, router, gate, ask, published, order, path };
}

describe.skipIf(!canMakeRules()).each(['nftables', 'iptables'])('the gate by %s', (tool) => {
  it('turns every way to the app to the router, with the client’s address, and leaves no trace behind', async () => {
    const { network, gate, ask, published } = await stage(tool);
    const before = network.rules();
    expect(published()).toBe(`app ${network.clientAddress}`);
    const keeper = gate('keep');
    await keeper.says(/keep in/);
    expect(published()).toBe(`gate ${network.clientAddress}`);
    expect(ask(network.neighbour, network.containerAddress, 80), 'over one bridge').toBe(
      `gate ${network.neighbourAddress}`,
    );
    expect(ask(network.host, '127.0.0.1'), 'from the host itself').toBe('gate 127.0.0.1');
    expect(ask(network.host, network.containerAddress, 80), 'the router’s own way').toBe('app 10.213.7.1');
    await keeper.kill('SIGKILL');
    await gate('remove').says(/remove out/);
    expect(network.rules()).toBe(before);
    expect(published()).toBe(`app ${network.clientAddress}`);
  });

  it('gives way by itself when the router and the agent are both killed', async () => {
    const { gate, router, published } = await stage(tool);
    const keeper = gate('keep');
    await keeper.says(/keep in/);
    expect(published()).toMatch(/^gate/);
    await Promise.all([keeper.kill('SIGKILL'), router.kill('SIGKILL')]);
    const began = performance.now();
    await waitFor(() => published().startsWith('app'), { every: 50, what: 'the app' });
    expect(performance.now() - began).toBeLessThan(gateLifeMs + 2_000);
  });

  it('goes past a router that has ended at once, and by it again when it is back', async () => {
    const { gate, network, router, published } = await stage(tool);
    const keeper = gate('keep');
    await keeper.says(/keep in/);
    await router.kill('SIGKILL');
    keeper.signal('SIGHUP');
    await waitFor(() => published().startsWith('app'), { every: 20, timeout: 1_500, what: 'the app' });
    const again = network.spawn(network.host, process.execPath, [helper('app.ts'), String(gatePort), 'gate']);
    await again.says(/listening/);
    await waitFor(() => published().startsWith('gate'), { every: 50, what: 'the gate' });
  });

  it('is whole or not there, however often and wherever it is killed while it goes in', async () => {
    const { gate, network, published } = await stage(tool);
    const before = network.rules();
    for (let ms = 150; ms <= 450; ms += 50) {
      const inserting = gate('insert');
      await sleep(ms);
      await inserting.kill('SIGKILL');
      expect(published(), `killed after ${ms} ms`).toMatch(/^(app|gate) /);
    }
    await sleep(gateLifeMs + 1_000);
    expect(published()).toMatch(/^app/);
    await gate('remove').says(/remove out/);
    await gate('remove').says(/remove out/);
    expect(network.rules()).toBe(before);
  });

  it('lets nobody past while an order takes the place of another, as when a container gets another address', async () => {
    const { gate, network, order, path } = await stage(tool);
    await gate('insert').says(/insert in/);
    const loop = `for i in $(seq 4000); do curl -s -m 3 http://${network.hostAddress}:8080/; echo; done`;
    const visitors = network.spawn(network.client, 'bash', ['-c', loop]);
    for (let port = 81; port < 89; port++) {
      const way = { kind: 'container' as const, address: network.containerAddress, port };
      const [entry] = order.entries;
      writeFileSync(path, JSON.stringify({ ...order, entries: [{ ...entry!, ways: [...entry!.ways, way] }] }));
      await gate('insert').says(/insert in/);
    }
    await visitors.kill('SIGKILL');
    const answers = visitors.stdout().split('\n').filter(Boolean);
    expect(answers.length).toBeGreaterThan(50);
    expect(answers.filter((answer) => !answer.startsWith('gate')).length).toBe(0);
  });

  it('is in, without a rule, where containers that nobody has published do not run', async () => {
    const { gate, network, order, path } = await stage(tool);
    const before = network.rules();
    await gate('keep').says(/keep in/);
    writeFileSync(path, JSON.stringify({ ...order, entries: [{ ...order.entries[0], ways: [] }] }));
    await gate('insert').says(/insert in/);
    expect(network.rules()).toBe(before);
  });

  it('comes back where somebody has taken it out', async () => {
    const { gate, network, published } = await stage(tool);
    await gate('keep').says(/keep in/);
    network.run(network.host, 'nft', ['flush', 'ruleset']);
    await waitFor(() => published().startsWith('gate'), { every: 50, what: 'the gate' });
  });
});

describe.skipIf(!canMakeRules())('connections that were there before', () => {
  it('are counted until they end, without those of the router', async () => {
    const { network, app, gate, router } = await stage('nftables');
    const stay = network.spawn(network.neighbour, 'curl', ['-sN', `http://${network.containerAddress}/stay`]);
    await stay.says(/\./);
    await gate('keep').says(/keep in/);
    const passing = () => passingBy([{ pid: app.pid, ports: [80] }], router.pid);
    expect(passing()).toEqual([
      { client: expect.stringContaining(`${network.neighbourAddress}:`), app: `${network.containerAddress}:80` },
    ]);
    await gate('direct').says(/^\[\]/);
    const own = network.spawn(network.host, 'curl', ['-sN', `http://${network.containerAddress}/stay`]);
    await own.says(/\./);
    expect(passing()).toHaveLength(2);
    await gate('direct').says(new RegExp(`"pid":${own.pid},"name":"curl"`));
    expect(passingBy([{ pid: app.pid, ports: [80] }], own.pid)).toHaveLength(1);
    await Promise.all([stay.kill('SIGKILL'), own.kill('SIGKILL')]);
    await waitFor(() => passing().length === 0, { what: 'the end' });
  });
});

import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { projectRoot, spawnForTest } from '../../../../test/support/spawned.ts';
import { tempFolder } from '../../../../test/support/temp-folder.ts';
import { waitFor } from '../../../../test/support/wait-for.ts';
import type { ProxyPlace } from '../../../protocol/proxy.ts';
import type { GateOrder } from '../contract.ts';
import { proxies } from '../drivers.ts';
import { ask, behindCaddy, behindHaproxy, behindNginx, load } from '../testing/behind-proxy.ts';
import { ask as tellHaproxy } from './haproxy-socket.ts';

describe.each([
  ['nginx', behindNginx],
  ['caddy', behindCaddy],
  ['haproxy', behindHaproxy],
] as const)('the gate behind %s', (name, stage) => {
  it('goes in and out under load without one failed request, and leaves every byte as it was', async () => {
    const { driver, order, port, app, gate, configuration } = await stage();
    const before = await configuration();
    const asked = () => app.asked() + gate.asked();
    const askedBefore = asked();
    expect(await driver.check(order)).toMatchObject({ possible: true });
    expect(await driver.verify(order)).toBe('out');
    const visitors = load(port);
    await waitFor(() => (visitors.seen.app ?? 0) > 20);
    await driver.insert(order);
    await driver.insert(order);
    expect(await driver.verify(order)).toBe('in');
    await waitFor(() => (visitors.seen.gate ?? 0) > 20);
    await driver.remove(order);
    await driver.remove(order);
    const answers = await visitors.stop();
    // Caddy's own reload resets a connection that nobody has taken yet (docs/gate.md): nobody behind it was asked anything.
    expect(answers.filter((answer) => name !== 'caddy' || answer !== 'reset')).toEqual(['app', 'gate']);
    expect(asked() - askedBefore).toBe(visitors.seen.app! + visitors.seen.gate!);
    expect(await configuration()).toBe(before);
    expect(await driver.verify(order)).toBe('out');
  });

  it('lets traffic flow to the app while nobody listens at the gate, and by the gate when it is back', async () => {
    const { driver, order, port, gate } = await stage();
    await driver.insert(order);
    await waitFor(async () => (await ask(port)) === 'gate');
    await gate.stop();
    for (let n = 0; n < 10; n++) expect(await ask(port, n % 2 ? 'POST' : 'GET')).toBe('app');
    await gate.again();
    await waitFor(async () => (await ask(port)) === 'gate', { what: 'the gate' });
  });

  it('is found again by another process, also when the order names other upstreams', async () => {
    const { driver, order, app, configuration } = await stage();
    const before = await configuration();
    await driver.insert(order);
    const other = { ...order, proxy: { ...order.proxy!, router: `127.0.0.1:${app.port}` } };
    expect(await driver.verify(other)).toBe('partly');
    await driver.insert(other);
    expect(await driver.verify(other)).toBe('in');
    await driver.remove(order);
    expect(await configuration()).toBe(before);
  });

  it('is not possible where the app is not what the proxy has', async () => {
    const { driver, order, configuration } = await stage();
    const before = await configuration();
    const foreign = { ...order, proxy: { ...order.proxy!, upstreams: ['127.0.0.1:2'] } };
    expect(await driver.check(foreign)).toMatchObject({ possible: false });
    await expect(driver.insert(foreign)).rejects.toMatchObject({ code: 'gate_not_inserted' });
    expect(await configuration()).toBe(before);
  });
});

describe('the gate behind nginx', () => {
  it('keeps what the user changes meanwhile, and takes a change back that nginx refuses', async () => {
    const { driver, order, configuration } = await behindNginx();
    const place = order.proxy!.place as ProxyPlace & { kind: 'nginx' };
    const before = await configuration();
    await driver.insert(order);
    writeFileSync(place.file, (await configuration()).replace('keepalive 8', 'keepalive 16'));
    await driver.remove(order);
    expect(await configuration()).toBe(before.replace('keepalive 8', 'keepalive 16'));
    const hashed = before.replace('upstream shop {', 'upstream shop { ip_hash;');
    writeFileSync(place.file, hashed);
    await expect(driver.insert(order)).rejects.toThrow(/nginx: .*backup|test failed/);
    expect(await configuration()).toBe(hashed);
  });

  it('is heard of also where whoever put it in died before the reload', async () => {
    const { driver, order, port } = await behindNginx();
    const place = order.proxy!.place as ProxyPlace & { kind: 'nginx' };
    const deadly = { ...order, proxy: { ...order.proxy!, place: { ...place, reload: ['sh', '-c', 'kill -9 $PPID'] } } };
    const program = `
      const { proxies } = await import('${projectRoot}src/drivers/gate/drivers.ts');
      await proxies.nginx.insert(JSON.parse(process.argv[1]));`;
    const dying = spawnForTest(process.execPath, ['--input-type=module', '-e', program, JSON.stringify(deadly)]);
    expect(await dying.ended).toMatchObject({ signal: 'SIGKILL' });
    expect(await ask(port)).toBe('app');
    expect(await driver.verify(order)).toBe('partly');
    await driver.insert(order);
    expect(await driver.verify(order)).toBe('in');
    await waitFor(async () => (await ask(port)) === 'gate', { what: 'the gate' });
  });
});

describe('the gate behind Caddy', () => {
  it('is not possible where its admin interface is not of this host', async () => {
    const { driver, order } = await behindCaddy();
    const place: ProxyPlace = { kind: 'caddy', admin: 'http://10.213.7.2:2019' };
    const elsewhere = { ...order, proxy: { ...order.proxy!, place } };
    expect(await driver.check(elsewhere)).toMatchObject({
      possible: false,
      why: expect.stringContaining('10.213.7.2'),
    });
  });
});

describe('the gate behind HAProxy', () => {
  it('is taken out whatever was put in before somebody died, and comes back after a reload', async () => {
    const { driver, order, port, configuration } = await behindHaproxy();
    const { socket } = order.proxy!.place as ProxyPlace & { kind: 'haproxy' };
    const before = await configuration();
    await driver.insert(order);
    // As it is while it goes in: the app's own server is not in maintenance yet.
    await tellHaproxy(socket, 'set server shop/one state ready');
    expect(await driver.verify(order)).toBe('partly');
    await driver.insert(order);
    expect(await driver.verify(order)).toBe('in');
    expect(await ask(port)).toBe('gate');
    for (const name of ['storky.shop.gate', 'storky.shop.for.one']) {
      await tellHaproxy(socket, `set server shop/${name} state maint`);
      await waitFor(async () => /deleted/.test(await tellHaproxy(socket, `del server shop/${name}`)));
    }
    await tellHaproxy(socket, 'set server shop/one state ready');
    expect(await driver.verify(order)).toBe('out');
    await driver.insert(order);
    expect(await ask(port)).toBe('gate');
    await driver.remove(order);
    expect(await configuration()).toBe(before);
  });

  it('is gone with a HAProxy that has ended: there is nothing to take out', async () => {
    const { driver, order, folder } = await behindHaproxy();
    const place: ProxyPlace = { kind: 'haproxy', socket: join(folder, 'nobody.sock') };
    const ended = { ...order, proxy: { ...order.proxy!, place } };
    expect(await driver.check(ended)).toMatchObject({ possible: false });
    await driver.remove(ended);
  });

  it('is not left in where HAProxy does not reach it, as from a container', async () => {
    const { driver, order, configuration } = await behindHaproxy();
    const before = await configuration();
    const within = { ...order, proxy: { ...order.proxy!, router: '127.0.0.1:1' } };
    await expect(driver.insert(within)).rejects.toThrow(/does not reach the gate/);
    expect(await configuration()).toBe(before);
  });

  it('is not possible where servers cannot be added, or not by this socket', async () => {
    const { driver, order } = await behindHaproxy('balance source');
    expect(await driver.check(order)).toMatchObject({ possible: false, why: expect.stringContaining('dynamic') });
    const weak = await behindHaproxy('', 'operator');
    expect(await weak.driver.check(weak.order)).toMatchObject({
      possible: false,
      why: expect.stringContaining('Permission denied'),
    });
  });
});

describe('the gate behind Traefik, which is not run here', () => {
  it('is a file of its own in the folder that it watches', async () => {
    const folder = join(tempFolder('traefik'), 'dynamic');
    mkdirSync(folder);
    const place: ProxyPlace = {
      kind: 'traefik',
      folder,
      rule: 'Host(`shop.example.org`)',
      entryPoints: ['websecure'],
      certResolver: 'le',
      tls: true,
    };
    const order: GateOrder = {
      app: 'shop',
      folder,
      entries: [{ name: 'web', routerPort: 18080, ways: [] }],
      proxy: { place, upstreams: ['10.0.1.5:3000'], router: '172.17.0.1:18080' },
    };
    const driver = proxies[order.proxy!.place.kind]!;
    await driver.insert(order);
    expect(await driver.verify(order)).toBe('in');
    const { http } = parse(readFileSync(join(folder, 'storky-shop.yml'), 'utf8'));
    expect(http.routers['storky-shop']).toEqual({
      rule: 'Host(`shop.example.org`)',
      priority: 1_000_000,
      service: 'storky-shop',
      entryPoints: ['websecure'],
      tls: { certResolver: 'le' },
    });
    expect(http.services['storky-shop']).toEqual({
      failover: { service: 'storky-shop-gate', fallback: 'storky-shop-app' },
    });
    expect(http.services['storky-shop-gate'].loadBalancer.servers).toEqual([{ url: 'http://172.17.0.1:18080' }]);
    expect(http.services['storky-shop-app'].loadBalancer.servers).toEqual([{ url: 'http://10.0.1.5:3000' }]);
    await driver.remove(order);
    expect(readdirSync(folder)).toEqual([]);
  });
});

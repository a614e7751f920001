import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { spawnForTest } from '../../../../test/support/spawned.ts';
import { tempFolder } from '../../../../test/support/temp-folder.ts';
import type { GateOrder } from '../../../drivers/gate/contract.ts';
import { canMakeRules } from '../../../drivers/gate/testing/network.ts';
import { waysIn } from './ways-in.ts';

it.skipIf(!canMakeRules())(
  'says how visitors come to the gate, and names the process that would go past it',
  async () => {
    expect(await waysIn(undefined, 'shop', 1)).toMatchObject({ verdict: 'pass', detail: 'nobody comes to it' });
    const server = createServer(() => {}).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const folder = tempFolder('ways');
    const entry = { name: 'web', routerPort: 1, ways: [{ kind: 'container' as const, address: '127.0.0.1', port }] };
    const order: GateOrder = { app: 'shop', folder, entries: [entry] };
    const published = { ...entry, ways: [{ kind: 'published' as const, address: null, port }] };

    const arrived = once(server, 'connection');
    const direct = spawnForTest('curl', ['-sN', `http://127.0.0.1:${port}/`]);
    onTestFinished(() => void server.close());
    await arrived;
    const found = await waysIn(order, 'shop', 1);
    expect(found.verdict).toBe('warn');
    expect(found.detail).toContain(`curl (pid ${direct.pid})`);
    expect(found.remedy).toContain('storky adopt shop --proxy');
    expect((await waysIn({ ...order, entries: [published] }, 'shop', 1)).detail).toMatch(/^packet rules turn visitors/);

    const file = join(folder, 'shop.conf');
    const place = { kind: 'nginx' as const, file, test: ['true'], reload: ['true'] };
    const proxied = {
      ...order,
      entries: [published],
      proxy: { place, upstreams: ['127.0.0.1:1'], router: '127.0.0.1:2' },
    };
    writeFileSync(file, 'upstream shop { server 10.0.0.9:1; }\n');
    expect(await waysIn(proxied, 'shop', 1)).toMatchObject({ verdict: 'fail', detail: expect.stringContaining(file) });
    writeFileSync(file, 'upstream shop { server 127.0.0.1:1; }\n');
    const told = await waysIn(proxied, 'shop', 1);
    expect(told.verdict).toBe('pass');
    expect(told.detail).toContain(`nginx (${file}) is told of the gate before the freeze`);
  },
);

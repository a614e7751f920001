import { describe, expect, it } from 'vitest';
import { waitFor } from '../../test/support/wait-for.ts';
import { ask, gateOf, limits, spawnRouter, startApp, writeEpoch } from './router.test-support.ts';

describe('a router that is killed while it holds', () => {
  it('holds again after its restart, at the same ports, and releases at the word', async () => {
    const { first, epochFile, seen } = await killedInHold(10_000, 'active', 1);
    const again = await spawnRouter('osc-fr1', first);
    expect(again.ports).toEqual(first.ports);
    const held = ask(again.ports.http, { path: '/after' });
    await waitFor(async () => (await first.client.metrics('shop')).waiting === 1, { every: 10 });
    const { gate } = (await first.client.status()).gates[0]!;
    expect([gate.state, gate.epochFile]).toEqual(['hold', epochFile]);
    expect(await first.client.serve('shop')).toMatchObject({ released: 1 });
    expect((await held).body).toBe('served');
    expect(seen).toEqual(['/after']);
  });

  it('settles by itself when no word comes: serves where nothing was switched', async () => {
    const { first } = await killedInHold(1_500, 'active', 1);
    const again = await spawnRouter('osc-fr1', first);
    expect((await ask(again.ports.http)).body).toBe('served');
  });

  it('settles by itself when no word comes: refuses where the record says passive', async () => {
    const { first, seen } = await killedInHold(700, 'passive', 2);
    const again = await spawnRouter('osc-fr1', first);
    expect((await ask(again.ports.http)).status).toBe(503);
    expect(seen).toEqual([]);
  });

  async function killedInHold(budgetMs: number, role: 'active' | 'passive', epoch: number) {
    const seen: string[] = [];
    const app = await startApp((request, response) => {
      seen.push(request.url!);
      response.end('served');
    });
    const first = await spawnRouter();
    await first.client.put(gateOf('shop', [app.port]));
    const epochFile = writeEpoch(first.folder, role, epoch);
    await first.client.hold('shop', { ...limits, budgetMs }, 2, epochFile);
    await first.process.kill('SIGKILL');
    return { first, epochFile, seen };
  }
});

import { existsSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { waitFor } from '../../test/support/wait-for.ts';
import { claim, claimPath } from '../base/claim.ts';
import { ask, holding, writeEpoch } from './router.test-support.ts';

describe('the end of the budget', () => {
  it('backs out where the record does not say passive (invariant 4)', async () => {
    const { ports, hold, waiting, epochFile } = await holding({ budgetMs: 300 });
    await hold();
    const held = ask(ports.http, { path: '/held' });
    await waiting(1);
    expect((await held).body).toBe('/held 0');
    expect(existsSync(claimPath(epochFile, 2)), 'the epoch is claimed, so that no agent can make it any more').toBe(
      true,
    );
  });

  it('goes on waiting where the record says passive, for one more budget (invariant 5)', async () => {
    const { client, ports, hold, waiting, folder, seen } = await holding({ budgetMs: 300 });
    await hold();
    writeEpoch(folder, 'passive', 2);
    const began = performance.now();
    const held = ask(ports.http);
    await waiting(1);
    const answer = await held;
    expect(answer.status).toBe(503);
    expect(performance.now() - began).toBeGreaterThan(500);
    expect(seen).toEqual([]);
    expect((await client.status()).gates[0]!.gate.state).toBe('hold');
  });

  it('goes on waiting where the agent was first to claim the epoch', async () => {
    const { client, ports, hold, waiting, epochFile, seen } = await holding({ budgetMs: 200 });
    claim(claimPath(epochFile, 2), 'passive');
    await hold();
    const held = ask(ports.http);
    await waiting(1);
    await sleep(500);
    expect(seen).toEqual([]);
    expect((await client.status()).gates[0]!.gate.state).toBe('hold');
    await held;
  });

  it('goes back to forwarding where the record says passive since an earlier switch', async () => {
    const { client, hold, folder } = await holding({ budgetMs: 100 });
    await client.forward('shop', { region: 'osc-fr2', host: '127.0.0.1', port: 1, app: 'shop', epoch: 1 });
    writeEpoch(folder, 'passive', 1);
    await hold();
    expect((await client.status()).gates[0]!.gate.state).toBe('hold');
    await waitFor(async () => (await client.status()).gates[0]!.gate.state === 'forward', { every: 10 });
  });

  it('does not serve where the record cannot be read', async () => {
    const { client, hold, epochFile } = await holding({ budgetMs: 100 });
    writeFileSync(epochFile, '{}');
    await hold();
    await sleep(400);
    expect((await client.status()).gates[0]!.gate.state).toBe('hold');
  });
});

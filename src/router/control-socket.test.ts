import { request as httpRequest } from 'node:http';
import { describe, expect, it } from 'vitest';
import { ask, gateOf, spawnRouter, withApp } from './router.test-support.ts';

describe('the control socket', () => {
  it('is for nobody but the own account, and answers clear errors to several clients', async () => {
    const { statSync } = await import('node:fs');
    const { connect } = await import('node:net');
    const { client, config } = await withApp((_request, response) => response.end());
    expect(statSync(config.socketPath).mode & 0o777).toBe(0o600);
    await expect(client.serve('nobody')).rejects.toMatchObject({ code: 'unknown_app' });
    const answers = await Promise.all(
      [...Array(5).keys()].map(
        (id) =>
          new Promise<string>((resolve) => {
            const socket = connect(config.socketPath, () => socket.write(`{"id":${id},"op":"nonsense"}\n`));
            socket.once('data', (data) => {
              resolve(String(data));
              socket.destroy();
            });
          }),
      ),
    );
    for (const [id, answer] of answers.entries())
      expect(JSON.parse(answer)).toMatchObject({ id, error: { code: 'bad_request' } });
  });

  it('gives the metrics to a collector', async () => {
    const { ports, config } = await withApp((_request, response) => response.end());
    await ask(ports.http);
    const text = await new Promise<string>((resolve, reject) => {
      const request = httpRequest({ socketPath: config.socketPath, path: '/metrics', agent: false });
      request.on('error', reject).end();
      request.on('response', async (response) => resolve((await response.toArray()).join('')));
    });
    expect(text).toContain('storky_gate_requests_total{app="shop"} 1');
    expect(text).toContain('storky_gate_failed_total{app="shop"} 0');
  });

  it('is found again by its client after a restart of the router', async () => {
    const first = await spawnRouter();
    await first.client.put(gateOf('shop', []));
    await first.process.kill('SIGKILL');
    const later = first.client.status();
    const lost = await later.catch((error) => error);
    const again = await spawnRouter('osc-fr1', first);
    expect((await first.client.status()).pid).toBe(again.process.pid);
    expect(lost.code ?? 'answered').toMatch(/router_unreachable|answered/);
  });
});

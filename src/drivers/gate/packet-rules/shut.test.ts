import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { projectRoot } from '../../../../test/support/spawned.ts';
import { canMakeRules, DockerLikeNetwork } from '../testing/network.ts';

const helper = (name: string) => join(projectRoot, 'src/drivers/gate/testing', name);

describe.skipIf(!canMakeRules()).each(['nftables', 'iptables'])('a port that is shut by %s', (tool) => {
  it('is reached by the host alone, and by everybody afterwards, also where the agent was killed meanwhile', async () => {
    const network = DockerLikeNetwork.make();
    await network.spawn(network.container, process.execPath, [helper('app.ts'), '80', 'app']).says(/listening/);
    const ask = (from: string, address: string, port: number) => {
      try {
        return network.run(from, 'curl', ['-s', '-S', '-m', '1', `http://${address}:${port}/`]).trim();
      } catch {
        return 'nothing';
      }
    };
    const outside = () => [
      ask(network.client, network.hostAddress, 8080),
      ask(network.neighbour, network.containerAddress, 80),
    ];
    const all = [`app ${network.clientAddress}`, `app ${network.neighbourAddress}`];
    const shut = (verb: string) =>
      network.spawn(network.host, process.execPath, [helper('shut.ts'), tool, verb, '10.213.7.0/24', 'fd00:7::/64']);
    // The tool has made its tables once: none of them is taken away again.
    const first = shut('shut');
    await first.says(/it is shut/);
    first.signal('SIGTERM');
    await first.says(/it is open/);
    const before = network.rules();
    expect(outside()).toEqual(all);
    const agent = shut('shut');
    await agent.says(/it is shut/);
    expect(outside()).toEqual(['nothing', 'nothing']);
    expect(ask(network.host, network.containerAddress, 80)).toMatch(/^app/);
    await agent.kill('SIGKILL');
    expect(outside()).toEqual(['nothing', 'nothing']);
    const next = shut('go-on');
    await next.says(/it is shut/);
    expect(outside(), 'before the next agent has done its work').toEqual(['nothing', 'nothing']);
    next.signal('SIGTERM');
    await next.says(/it is open/);
    expect(outside()).toEqual(all);
    expect(network.rules()).toBe(before);
  });
});

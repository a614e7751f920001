import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { FarVisitors } from './stage/far-visitors.ts';
import { create, through } from './stage/move.ts';
import { agentPorts, canMakeNetworks, enter, type Host, Network } from './stage/network.ts';
import { openShop } from './stage/shop.ts';
import { Stage } from './stage/stage.ts';

const possible = canMakeNetworks();

it.skipIf(!possible)('a live app moves between two machines that share nothing but the agents’ ports', async () => {
  const network = Network.make();
  const stage = await Stage.set({
    host: network.here,
    region(name, folder) {
      const host = network[name as 'west' | 'east'];
      const others = ['server', 'west', 'east'].filter((other) => other !== name).map((it) => join(folder, '..', it));
      for (const path of others) mkdirSync(path, { recursive: true });
      // Not even a file or a socket of the others can be seen from there.
      return { host: host.address, ports: agentPorts, enter: (command) => enter(host, command, others) };
    },
  });
  const { west, east } = stage;
  await openShop(stage, west);
  const visitors = new FarVisitors(network.west, west.url, stage.folder);
  await visitors.atWork(2);
  const { id, status, report } = await create(stage);
  expect(status, JSON.stringify(report.checks)).toBe('preflight-success');
  const migration = await through(stage, id, 'prepare', 'data', 'finalize');
  expect(migration.status, JSON.stringify(migration.steps.at(-1))).toBe('done');
  await visitors.atWork(3);
  const summary = await visitors.stop();

  expect(summary.failures).toEqual([]);
  expect(summary.servedBy.east).toBeGreaterThan(0);
  const place = { databaseUrl: east.databaseUrl('shop', 'admin'), uploadsFolder: east.treeFolder('shop', 'uploads') };
  expect(await visitors.check(network.east, place)).toMatchObject({
    ok: true,
    lost: [],
    duplicated: [],
    overlappingWorkers: [],
  });
  // Nobody has even tried another way.
  expect([network.refused(network.west), network.refused(network.east)]).toEqual([0, 0]);

  const database = west.document('shop').instances[0]!.port;
  expect(connects(network.east, network.west.address, agentPorts.agent)).toBe(true);
  expect(connects(network.east, network.west.address, agentPorts.ingress)).toBe(true);
  expect(connects(network.east, network.west.address, agentPorts.http)).toBe(false);
  expect(connects(network.east, network.west.address, database)).toBe(false);
  expect(network.refused(network.west)).toBeGreaterThanOrEqual(2);
  expect(connects(network.west, '127.0.0.1', database)).toBe(true);
  expect(connects(network.west, network.west.address, agentPorts.http)).toBe(true);
  for (const region of [west, east]) {
    const other = (region === west ? east : west).folder;
    expect(filesOf(region.agent.pid).filter((path) => path.startsWith(other))).toEqual([]);
    expect(
      spawnSync('nsenter', [`--mount=/proc/${region.agent.pid}/ns/mnt`, 'ls', '-A', other]).stdout.toString(),
    ).toBe('');
  }
});

/** Does a TCP connection come about, from that machine? */
function connects(from: Host, address: string, port: number): boolean {
  const [command, ...args] = enter(from, ['timeout', '2', 'bash', '-c', `exec 3<>/dev/tcp/${address}/${port}`]);
  return spawnSync(command!, args).status === 0;
}

const filesOf = (pid: number): string[] =>
  readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/${pid}/fd/${fd}`)];
    } catch {
      return [];
    }
  });

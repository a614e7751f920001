import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DatabaseInstance } from '../../../src/drivers/database/contract.ts';
import { engine } from '../../../src/drivers/database/redis/engine.ts';
import { adminOf, ask, withClient } from '../../../src/drivers/database/redis/wire/connect.ts';
import { infoOf } from '../../../src/drivers/database/redis/wire/info.ts';
import type { Race } from './race.ts';

/** Both end when the stream runs: a copy in memory, whose log the server writes on its own afterwards. */
export const redisRace: Race = {
  engine,
  fill,
  peers: { 'full sync': fullSync },
  settle: async () => {},
  contents: (instance) =>
    withClient(adminOf(instance), 'bench', async (client) => {
      const [digest, size] = [await ask(client, 'DEBUG', 'DIGEST'), await ask(client, 'DBSIZE')];
      return `${digest} ${size}`;
    }),
};

/** Of each kind some: short values, long ones, hashes, sorted sets, lists. */
async function fill(source: DatabaseInstance, gigabytes: number): Promise<number> {
  const n = (count: number) => Math.round(count * gigabytes);
  return withClient(adminOf(source), 'bench', async (client) => {
    const text = randomBytes(2_000).toString('base64');
    const long = randomBytes(16_000);
    const makers: [number, (pipeline: ReturnType<typeof client.pipeline>, i: number) => unknown][] = [
      [n(1_000_000), (to, i) => to.set(`session:${i}`, text.slice(i % 1_000, (i % 1_000) + 200))],
      [
        n(20_000),
        (to, i) => to.set(`page:${i}`, Buffer.concat([long.subarray(i % 9_000), long.subarray(0, i % 9_000)])),
      ],
      [
        n(100_000),
        (to, i) =>
          to.hset(`user:${i}`, { name: `User ${i}`, mail: `${i}@example.org`, seen: i, text: text.slice(0, 400) }),
      ],
      [
        n(1_000),
        (to, i) => to.zadd('ranks', ...Array.from({ length: 500 }, (_, k) => [i * 500 + k, `m${i}.${k}`]).flat()),
      ],
      [
        n(2_000),
        (to, i) =>
          to.rpush(`list:${i % 50}`, ...Array.from({ length: 50 }, (_, k) => `job ${i} ${k} ${text.slice(k, k + 60)}`)),
      ],
    ];
    for (const [count, make] of makers)
      for (let i = 0; i < count; ) {
        const pipeline = client.pipeline();
        for (const end = Math.min(count, i + 1_000); i < end; i++) make(pipeline, i);
        for (const [error] of (await pipeline.exec())!) if (error) throw error;
      }
    return Number((await infoOf(client, 'memory')).used_memory_dataset);
  });
}

/** What the server does by itself when it is told to be a replica. */
async function fullSync(source: DatabaseInstance, target: DatabaseInstance): Promise<void> {
  await withClient(adminOf(target), 'bench', async (client) => {
    await ask(client, 'CONFIG', 'SET', 'masteruser', source.adminUser, 'masterauth', source.adminPassword);
    await ask(client, 'REPLICAOF', source.host, source.port);
    while ((await infoOf(client, 'replication')).master_link_status !== 'up') await sleep(10);
  });
}

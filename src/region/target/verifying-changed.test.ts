import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { tempFolder } from '../../../test/support/temp-folder.ts';
import { Rig } from '../../drivers/files/test-rig.ts';
import { MigrationRecords } from '../migrations/records.ts';
import { CarryJobs } from './carry-jobs.ts';
import type { TargetSide } from './target-side.ts';
import { verifyChanged } from './verifying-changed.ts';

test('a comparison before a switch ends with the copy that is taken away, though its source says nothing', async () => {
  await using rig = await Rig.start({ base: tempFolder('changed') });
  const silent = createServer().listen(0, '127.0.0.1');
  const accepted: Socket[] = [];
  silent.on('connection', (socket) => accepted.push(socket.resume()));
  onTestFinished(() => {
    for (const socket of accepted) socket.destroy();
    silent.close();
  });
  await once(silent, 'listening');
  const { port } = silent.address() as AddressInfo;
  const openStream = async (signal: AbortSignal) => connect({ port, host: '127.0.0.1', signal });

  const records = new MigrationRecords(tempFolder('changed-records'));
  const migration = randomUUID();
  records.put({
    ...{ migration, stream: migration, role: 'target', app: 'shop', peerApp: 'shop', switch: null },
    peer: { region: 'osc-fr1', host: '127.0.0.1', port: 1, ingressPort: 2 },
    stores: { files: { carrier: 'live', wanted: true, ticket: null, copied: true, report: null } },
  });
  const jobs = new CarryJobs();
  const side = {
    ...{ region: 'osc-secnum-fr1', records, jobs },
    home: { record: () => ({ addons: [], files: [{ name: 'files' }] }), remotes: () => [] },
    stores: { get: async () => rig.target },
    endpoints: { get: async () => ({ host: '', port: 0, openStream }) },
  } as unknown as TargetSide;
  const compared = expect(verifyChanged(side, { app: 'shop', migration, store: 'files' })).rejects.toMatchObject({
    code: 'link_lost',
    fields: { peer: 'osc-fr1', detail: 'the comparison of files was ended' },
  });
  await expect.poll(() => accepted.length).toBeGreaterThan(0);
  await jobs.stop(`${migration}/files`);
  await compared;
});

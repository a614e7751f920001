import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { tempFolder } from '../../../../test/support/temp-folder.ts';
import type { ContainerState, ProjectRuntime } from '../../../drivers/runtime/projects.ts';
import { AppRecord } from '../../../protocol/app-record/record.ts';
import { AppStore } from '../app-store.ts';
import type { ProjectGates } from './project-gates.ts';
import { ProjectRunner } from './project-runner.ts';

const container = { name: 'shop-web-1', image: { reference: 'shop', id: 'sha256:1' }, spec: {}, networks: [] };
const service = { name: 'web', role: 'web', addon: null, entries: [], dependsOn: [], rests: false };
const project = {
  ...{ kind: 'compose', name: 'shop', notMoved: [], networks: [], mounts: [] },
  services: [{ ...service, containers: [container] }],
};
const at = '2026-01-02T03:04:05.000Z';

it('what an earlier look at the containers saw is not told after what a later one did', async () => {
  const store = new AppStore(tempFolder('project'), 'west');
  const active = { epoch: 0, role: 'active', migration: null, peer: null, at } as const;
  store.create(AppRecord.parse({ name: 'shop', project }), active);
  let looks = 0;
  const told: boolean[] = [];
  // The engine's answer to the first question is slow, and old when it comes.
  const states = async () => {
    const first = looks++ === 0;
    if (first) await sleep(50);
    return [{ name: container.name, service: 'web', running: !first } as ContainerState];
  };
  const keep = async (_: unknown, [state]: ContainerState[]) => void told.push(state!.running);
  const [runtime, gates] = [{ states } as unknown as ProjectRuntime, { keep } as unknown as ProjectGates];
  const runner = new ProjectRunner({ store, runtime, gates, region: 'west' });
  await Promise.all([runner.look('shop'), runner.look('shop')]);
  expect(told).toEqual([false, true]);
});

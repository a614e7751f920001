import { mkdirSync, rmSync } from 'node:fs';
import { conforms } from '../../conformance/conformance.ts';
import type { DatabaseEngine, DatabaseInstance, ProvisionOrder } from '../../contract.ts';
import { engine } from '../engine.ts';
import { Contained } from '../testing/contained.ts';
import { subject } from '../testing/subject.ts';

/** Both sides are servers in containers: the suite starts and stops them as the engine of containers, and Storky, would. */
function inContainers(args: string[]): DatabaseEngine {
  const known = new Map<string, { contained: Contained; instance: DatabaseInstance }>();
  async function provision({ folder, addon }: ProvisionOrder): Promise<DatabaseInstance> {
    mkdirSync(folder, { recursive: true });
    const contained = known.get(folder)?.contained ?? (await Contained.start(folder, args));
    const instance = known.get(folder)?.instance ?? (await contained.welcomed(addon));
    known.set(folder, { contained, instance });
    await start(instance);
    return await engine.guest!.welcome(instance);
  }
  const of = ({ guest }: DatabaseInstance) =>
    [...known.values()].find(({ instance }) => instance.guest!.container === guest!.container)!.contained;
  async function start(instance: DatabaseInstance): Promise<void> {
    await of(instance).begin();
    await engine.guest!.again!(instance);
  }
  return {
    ...engine,
    provision,
    start,
    stop: (instance) => of(instance).end(),
    running: async (instance) => of(instance).running,
    async destroy(instance) {
      await of(instance).end('SIGKILL');
      rmSync(of(instance).folder, { recursive: true, force: true });
    },
  };
}

const snapshots = inContainers(['--save', '60 1']);
await conforms({ ...subject, engine: snapshots });
await conforms({ ...subject, engine: inContainers(['--requirepass', 's3cret pass', '--appendonly', 'yes']) });

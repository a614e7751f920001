import { afterAll } from 'vitest';
import { ManagedRedis } from '../../../../../test/support/managed-redis.ts';
import { conforms } from '../../conformance/conformance.ts';
import type { DatabaseEngine, DatabaseInstance, ProvisionOrder } from '../../contract.ts';
import { engine } from '../engine.ts';
import { subject } from '../testing/subject.ts';

/** The server of the provider, which may do what Storky may not. The app's names are those of the suite. */
let provided: Promise<ManagedRedis> | undefined;
const isHere = ({ external }: DatabaseInstance) => external !== undefined;

/** `here` is a server that Storky does not run, with an administrator who may not touch settings or replication. */
const provider: DatabaseEngine = {
  ...engine,
  provision: (order) => (order.addon === 'here' ? adopted(order) : engine.provision(order)),
  start: async (instance) => (isHere(instance) ? (await provided)!.begin(keeper) : engine.start(instance)),
  stop: async (instance) => (isHere(instance) ? (await provided)!.kill() : engine.stop(instance)),
  running: async (instance) => (isHere(instance) ? (await provided)!.running : engine.running(instance)),
  async destroy(instance) {
    if (isHere(instance)) await (await provided)!.kill();
    await engine.destroy(instance);
  },
};
const keeper = { user: 'keeper', password: 'keeper: p@ss/word' };

async function adopted(order: ProvisionOrder): Promise<DatabaseInstance> {
  provided ??= ManagedRedis.start({
    keeper: '~* &* +@all -config -replicaof -psync -debug',
    app: { user: order.user, password: order.password },
  });
  const managed = await provided;
  if (!managed.running) await managed.begin();
  return await engine.adopt!({ ...order, address: managed.address() });
}

afterAll(async () => (await provided)?.[Symbol.asyncDispose]());

await conforms({ ...subject, engine: provider }, { thereAndBack: false });

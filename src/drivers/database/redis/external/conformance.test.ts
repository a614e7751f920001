import { afterAll } from 'vitest';
import { ManagedRedis } from '../../../../../test/support/managed-redis.ts';
import { conforms } from '../../conformance/conformance.ts';
import type { DatabaseEngine, DatabaseInstance, ProvisionOrder } from '../../contract.ts';
import { engine } from '../engine.ts';
import { subject } from '../testing/subject.ts';

const keeper = { user: 'keeper', password: 'keeper: p@ss/word' };
const isHere = ({ external }: DatabaseInstance) => external !== undefined;

/** `here` is a server that Storky does not run: the suite starts and stops it as the provider would. */
function providing(rules: string): DatabaseEngine {
  let provided: Promise<ManagedRedis> | undefined;
  afterAll(async () => (await provided)?.[Symbol.asyncDispose]());
  async function adopted(order: ProvisionOrder): Promise<DatabaseInstance> {
    const { user, password } = order;
    provided ??= ManagedRedis.start({ keeper: rules, app: { user, password } });
    const managed = await provided;
    await managed.begin();
    return await engine.adopt!({ ...order, address: managed.address() });
  }
  return {
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
}

const restricted = providing('~* &* +@all -config -replicaof -psync -debug');
await conforms({ ...subject, engine: restricted }, { thereAndBack: false });

// An app that gives a password and no name, as where there is only `requirepass`.
const names = { ...subject.names, user: 'default' };
await conforms({ ...subject, names, engine: providing('~* &* +@all') }, { thereAndBack: false });

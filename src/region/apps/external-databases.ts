import { chmodSync, mkdirSync } from 'node:fs';
import type { AdoptOrder, DatabaseEngine, DatabaseInstance, ProvisionOrder } from '../../drivers/database/contract.ts';
import type { Addon } from '../../protocol/app-record/process.ts';
import { StorkyError } from '../../protocol/errors.ts';

/** A database that Storky does not run has no plan of Storky's. */
const plan = 'external';

/** Looks at the database; changes nothing. */
export async function externalOrder(engine: DatabaseEngine, addon: Addon, order: AdoptOrder): Promise<ProvisionOrder> {
  const { version, database } = await adopt(engine, order);
  if (addon.version !== null && addon.version !== version)
    throw new StorkyError('bad_request', {
      detail: `the ${addon.engine} at the address of ${addon.name} is ${version}, and not ${addon.version}`,
      field: `addons.${addon.name}.version`,
    });
  return { ...order, plan, version, database };
}

export async function adopted(engine: DatabaseEngine, order: ProvisionOrder): Promise<DatabaseInstance> {
  mkdirSync(order.folder, { recursive: true });
  chmodSync(order.folder, 0o711);
  const adoption = { ...order, address: order.address! };
  return order.take ? await take(engine, adoption) : await adopt(engine, adoption);
}

export async function renewed(
  engine: DatabaseEngine,
  known: DatabaseInstance,
  order: AdoptOrder,
): Promise<DatabaseInstance> {
  const next = await adopt(engine, order);
  const where = ({ host, port, database, user }: DatabaseInstance) => `${user} at ${host}:${port}/${database}`;
  if (where(next) === where(known)) return { ...next, external: { ...next.external!, before: known.external?.before } };
  throw new StorkyError('bad_request', {
    detail: `it was ${where(known)}; to go from there to ${where(next)} would need a move`,
    field: `addons.${known.addon}.address`,
  });
}

/** Empty, and filled by the move: what is there already is not known before it is taken. */
export const orderToTake = ({ version, plan: _, ...rest }: ProvisionOrder, address: string): ProvisionOrder => ({
  ...rest,
  version,
  plan,
  address,
  take: true,
});

/** Where the app was never served from it, it is given back as it was; else it is left as it is. */
export async function leave(
  engine: DatabaseEngine,
  order: ProvisionOrder | undefined,
  instance: DatabaseInstance | undefined,
  passive: boolean,
): Promise<void> {
  const taken = instance ?? (order?.take ? await take(engine, { ...order, address: order.address! }) : undefined);
  if (taken?.external?.before && passive) await engine.giveBack!(taken);
}

async function take(engine: DatabaseEngine, order: AdoptOrder): Promise<DatabaseInstance> {
  if (engine.take && engine.giveBack) return await engine.take(order);
  throw notYet(engine, order);
}

async function adopt(engine: DatabaseEngine, order: AdoptOrder): Promise<DatabaseInstance> {
  if (engine.adopt) return await engine.adopt(order);
  throw notYet(engine, order);
}

const notYet = (engine: DatabaseEngine, order: AdoptOrder) =>
  new StorkyError('unsupported', {
    what: `An address for ${order.addon}`,
    detail: `a ${engine.engine} that Storky does not run cannot be used for this yet`,
    hint: 'Leave the address out: Storky makes and runs the database.',
  });

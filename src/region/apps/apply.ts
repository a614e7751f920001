import { log } from '../../base/log.ts';
import type { ProvisionOrder } from '../../drivers/database/contract.ts';
import type { AppRecord } from '../../protocol/app-record/record.ts';
import type { AppDocument } from './app-document.ts';
import type { AppParts } from './app-parts.ts';
import { checkRecord, checkStores, refuseLocked } from './check-record.ts';
import { reachedFrom } from './remote-addons.ts';
import { removeApp } from './remove.ts';

/** Creates the app or changes it into what the record says; all of it or nothing. One at a time for each app. */
export async function applyRecord(parts: AppParts, wanted: AppRecord): Promise<void> {
  const current = parts.store.find(wanted.name);
  // Where no new build was uploaded, the one that runs goes on.
  const record = { ...wanted, build: wanted.build ?? current?.record.build ?? null };
  if (current) {
    refuseLocked(current);
    checkStores(current, record);
  }
  checkRecord(record, parts.store, parts.builds, parts.domain);
  const orders = await newOrders(parts, record, current);
  await parts.environments.check(record, [
    ...(current ? reachedFrom(current) : []).map((one) => ({ engine: one.engine, order: one })),
    ...orders,
  ]);
  const renewed = current && (await parts.databases.renewed(record.name, record.addons));
  // Nothing was changed up to here.
  if (current) await update(parts, current, record, orders, renewed!);
  else await create(parts, record, orders);
}

interface EngineOrder {
  engine: string;
  order: ProvisionOrder;
}

async function newOrders(parts: AppParts, record: AppRecord, current?: Readonly<AppDocument>): Promise<EngineOrder[]> {
  const isNew = ({ name }: { name: string }) => !(current && reachedFrom(current).some(({ addon }) => addon === name));
  return await Promise.all(
    record.addons.filter(isNew).map(async (addon) => ({
      engine: addon.engine,
      order: await parts.databases.order(record.name, addon),
    })),
  );
}

/** An app that does not become healthy stays, so that its owner can read its logs; one that could not be made leaves nothing. */
async function create(parts: AppParts, record: AppRecord, orders: EngineOrder[]): Promise<void> {
  const app = record.name;
  const at = new Date().toISOString();
  parts.store.create(record, { epoch: 0, role: 'active', migration: null, peer: null, at });
  try {
    await makeReady(parts, record, orders);
    parts.store.change(app, (draft) => {
      draft.life = 'created';
    });
    await parts.gates.show(app);
  } catch (error) {
    // What cannot be taken away now is at the agent's next start: the document says `removing`.
    await removeApp(parts, app).catch((left) => log.error({ app, error: String(left) }, 'not all of it was removed'));
    throw error;
  }
  await parts.runner.become(app);
}

async function update(
  parts: AppParts,
  before: Readonly<AppDocument>,
  record: AppRecord,
  orders: EngineOrder[],
  instances: AppDocument['instances'],
) {
  const put = (which: AppDocument['instances']) =>
    parts.store.change(record.name, (draft) => {
      draft.instances = [...which, ...draft.instances.filter(({ addon }) => !which.some((one) => one.addon === addon))];
    });
  try {
    put(instances);
    await makeReady(parts, record, orders);
    await changeRecord(parts, before, record);
  } catch (error) {
    put(before.instances);
    for (const { order } of orders) await parts.databases.destroy(record.name, order.addon);
    throw error;
  }
  parts.collectBuild(before.record.build);
}

async function makeReady(parts: AppParts, record: AppRecord, orders: EngineOrder[]): Promise<void> {
  if (record.build) await parts.releases.prepare(record.name, record);
  for (const { engine, order } of orders) await parts.databases.provision(engine, order);
}

/** The record in effect, or, when its processes do not become healthy, the one before, with its processes still serving. */
export async function changeRecord(parts: AppParts, before: Readonly<AppDocument>, record: AppRecord): Promise<void> {
  const put = async (which: AppRecord) => {
    parts.store.change(record.name, (draft) => {
      if (which === record) refuseLocked(draft); // Locked since we looked.
      draft.record = which;
    });
    await parts.gates.show(record.name);
    await parts.runner.become(record.name);
  };
  try {
    await put(record);
  } catch (error) {
    await put(before.record).catch(() => {}); // The first error is the one to tell.
    throw error;
  }
}

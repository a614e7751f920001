import { z } from 'zod';
import { Project } from '../../protocol/app-record/project.ts';
import type { RecordPart } from '../../protocol/app-record/record.ts';
import { StorkyError } from '../../protocol/errors.ts';
import { nameOf, StoreDefinition } from '../../protocol/link.ts';
import type { RegionAddress } from '../../protocol/region-contract.ts';
import { fetchImages } from './fetch-images.ts';
import { emptyReport, forgetMigration, presentStores, refuseIfActive, type TargetSide } from './target-side.ts';

export interface Moving {
  app: string;
  migration: string;
}

type CreateOrder = Moving & { from: RegionAddress; sourceApp: string; desired: 'running' | 'stopped' };

/** An empty, passive app under this name, which this migration owns. Idempotent. */
export async function create(
  { home, records, region }: TargetSide,
  { app, migration, from, sourceApp, desired }: CreateOrder,
): Promise<{ appId: string }> {
  const known = records.find(migration, 'target');
  if (!known && home.exists(app)) throw new StorkyError('app_exists', { app, region });
  // Remembered first: what a killed agent left half made is removed by the same migration.
  records.put({
    migration,
    stream: migration,
    role: 'target',
    app,
    peerApp: sourceApp,
    peer: from,
    stores: known?.stores ?? {},
    switch: null,
  });
  return await home.createPassive({ name: app }, { migration, peer: from.region, epoch: 0, desired });
}

export async function importPart(
  side: TargetSide,
  { app, migration, part }: Moving & { part: RecordPart },
): Promise<void> {
  const { peer, peerApp } = side.records.get(migration, 'target');
  const value = await side.link.openJson<unknown>(peer, { kind: 'part', migration, app: peerApp, part });
  if (part === 'build') await fetchBuild(side, migration, value);
  if (part === 'project') await fetchImages(side, { app, migration }, Project.nullable().parse(value));
  await side.home.importPart(app, part, value);
}

async function fetchBuild({ home, link, records }: TargetSide, migration: string, value: unknown): Promise<void> {
  const { build } = value as { build: { kind?: string; sha256?: string } | null };
  if (build?.kind !== 'archive' || !build.sha256 || home.hasBuild(build.sha256)) return;
  const { peer, peerApp } = records.get(migration, 'target');
  const archive = await link.open(peer, { kind: 'build', migration, app: peerApp, sha256: build.sha256 });
  await home.receiveBuild(build.sha256, archive);
}

/** The same engine, plan, version, names and password; one store at a time is provisioned by one call. Idempotent. */
export async function provision(
  side: TargetSide,
  { app, migration, store }: Moving & { store: string },
): Promise<void> {
  const { stores } = side.records.get(migration, 'target');
  const definition = await definitionOf(side, migration, store);
  await side.home.provision(app, atAddress(definition, side.offers.of(app, migration)[store]));
  if (stores[store]) return;
  side.records.change(migration, 'target', (draft) => {
    draft.stores[store] ??= {
      carrier: 'provision',
      wanted: false,
      ticket: null,
      copied: false,
      report: emptyReport({ name: store, kind: definition.kind }, 'provision'),
    };
  });
}

/** Where one was given for it. */
const atAddress = (definition: StoreDefinition, address: string | undefined): StoreDefinition =>
  definition.kind === 'files' || address === undefined
    ? definition
    : { ...definition, addon: { ...definition.addon, address } };

/**
 * The addon stays on the other side, which has lent it: the app here gets a port that leads there. A copy that has followed
 * it follows no more, and stays as it is, sealed. Idempotent.
 */
export async function useRemotely(
  side: TargetSide,
  { app, migration, store }: Moving & { store: string },
): Promise<void> {
  const { peer, peerApp } = side.records.get(migration, 'target');
  const definition = await definitionOf(side, migration, store);
  if (definition.kind !== 'database') throw new StorkyError('unknown_addon', { app: peerApp, name: store });
  refuseIfActive(side, app);
  await endCopy(side, migration, store);
  await side.home.useRemotely(app, definition, { peer, peerApp, migration });
}

async function endCopy(side: TargetSide, migration: string, name: string): Promise<void> {
  const record = side.records.get(migration, 'target');
  if (!record.stores[name]) return;
  const { stream } = record;
  await side.jobs.stop(`${stream}/${name}`);
  for (const copy of await presentStores(side, record)) if (copy.name === name) await copy.store.close(stream);
  await side.stores.closeOne(stream, name);
  await side.endpoints.close(`${stream}/${name}`);
  side.records.change(migration, 'target', (draft) => {
    delete draft.stores[name];
  });
}

async function definitionOf({ link, records }: TargetSide, migration: string, store: string): Promise<StoreDefinition> {
  const { peer, peerApp } = records.get(migration, 'target');
  const definitions = z
    .array(StoreDefinition)
    .parse(await link.openJson(peer, { kind: 'stores', migration, app: peerApp }));
  const definition = definitions.find((known) => nameOf(known) === store);
  if (!definition) throw new StorkyError('unknown_addon', { app: peerApp, name: store });
  return definition;
}

export async function deprovision(
  side: TargetSide,
  { app, migration, store }: Moving & { store: string },
): Promise<void> {
  refuseIfActive(side, app);
  await side.jobs.stop(`${migration}/${store}`);
  await side.endpoints.close(`${migration}/${store}`);
  await side.stores.closeOne(migration, store);
  if (!side.records.find(migration, 'target')) return;
  await side.home.deprovision(app, store);
  side.records.change(migration, 'target', (draft) => {
    delete draft.stores[store];
  });
}

/** Undoes `create`, whatever was made since. */
export async function remove(side: TargetSide, { app, migration }: Moving): Promise<void> {
  if (!side.records.find(migration, 'target')) return side.offers.delete(app, migration);
  refuseIfActive(side, app);
  await side.jobs.stop(migration);
  await side.stores.close(migration);
  await side.endpoints.close(migration);
  await side.home.removeCompletely(app);
  side.offers.delete(app, migration);
  forgetMigration(side, migration);
}

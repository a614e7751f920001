import type { AppRecord } from '../../protocol/app-record/record.ts';
import { StorkyError } from '../../protocol/errors.ts';
import type { AppDocument } from './app-document.ts';
import type { AppStore } from './app-store.ts';
import type { Builds } from './builds.ts';
import { parseCron } from './cron.ts';
import { hostsOf } from './hosts.ts';

const refuse = (field: string, detail: string): never => {
  throw new StorkyError('bad_request', { detail, field });
};

/** What the schema cannot know. Changes nothing. @throws StorkyError bad_request, unsupported */
export function checkRecord(record: AppRecord, store: AppStore, builds: Builds, domain: string): void {
  checkProcesses(record);
  checkBuild(record, builds);
  checkHosts(record, store, domain);
}

function checkProcesses({ processes }: AppRecord): void {
  for (const [type, { schedule }] of Object.entries(processes)) {
    if (schedule === undefined) continue;
    const field = `processes.${type}.schedule`;
    if (type === 'web') refuse(field, 'web runs all the time and cannot have a schedule');
    try {
      parseCron(schedule);
    } catch (error) {
      refuse(field, (error as Error).message);
    }
  }
}

function checkBuild({ build }: AppRecord, builds: Builds): void {
  if (build?.kind === 'image')
    throw new StorkyError('unsupported', {
      what: 'An image as the build',
      detail: 'the local runtime runs release archives',
      hint: 'Use `source: {type: directory}`.',
    });
  if (build && !builds.has(build.sha256)) refuse('build', `the archive ${build.sha256} was not uploaded`);
}

/**
 * A host name leads to one app. Only the two of a move within this region share theirs: the old one's gate keeps them,
 * and forwards after the switch, until the old one is removed.
 */
export function checkHosts(record: AppRecord, store: AppStore, domain: string): void {
  const wanted = hostsOf(record, domain);
  const mover = store.find(record.name)?.lockedBy ?? null;
  for (const { record: other, lockedBy, forward } of store.all().documents) {
    if (other.name === record.name || (mover !== null && mover === lockedBy) || forward?.app === record.name) continue;
    const taken = hostsOf(other, domain).find((host) => wanted.includes(host));
    if (taken) refuse('domains', `${taken} belongs to ${other.name} already`);
  }
}

/** Apply never takes data away, nor does it change what holds data: that would need a move of its own. */
export function checkStores(current: Readonly<AppDocument>, record: AppRecord): void {
  for (const addon of current.record.addons) {
    const next = record.addons.find(({ name }) => name === addon.name);
    if (!next) refuse('addons', `the addon ${addon.name} is missing, and applying this would delete its data`);
    if (next && (next.address === undefined) !== (addon.address === undefined))
      refuse(`addons.${addon.name}.address`, 'whether Storky runs a database cannot change: that would need a move');
    for (const part of ['engine', 'plan', 'version'] as const)
      if (next && next[part] !== addon[part])
        refuse(
          `addons.${addon.name}.${part}`,
          `the ${part} of an addon cannot change: ${addon[part]} to ${next[part]}`,
        );
  }
  for (const { name } of current.record.files)
    if (!record.files.some((tree) => tree.name === name))
      refuse('files', `the file tree ${name} is missing, and applying this would delete its files`);
}

export function refuseLocked({ record, lockedBy }: Readonly<AppDocument>): void {
  if (lockedBy !== null) throw new StorkyError('app_locked', { app: record.name, migration: lockedBy });
}

/** Another region's app would lose its data with this one. */
export function refuseLent({ record, loans }: Readonly<AppDocument>, region: string): void {
  const [loan] = loans;
  if (loan)
    throw new StorkyError('addon_lent', {
      app: record.name,
      region,
      addon: loan.addon,
      user: loan.app,
      in: loan.region,
    });
}

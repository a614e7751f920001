import type { AppView } from '../../protocol/app-record/record.ts';
import type { EpochRecord, GateState } from '../../protocol/gate.ts';
import { whereIs } from '../../protocol/proxy.ts';
import type { ProcessView } from '../../protocol/region-contract.ts';
import type { AppDocument } from './app-document.ts';
import { defaultHost, type HostNames } from './hosts.ts';
import { masked } from './masking.ts';

export function viewOf(
  document: Readonly<AppDocument>,
  epoch: EpochRecord,
  gate: GateState,
  processes: ProcessView[],
  region: string,
  names: HostNames,
): AppView {
  const { id, record, lockedBy, remotes, loans, front } = document;
  return {
    id,
    name: record.name,
    region,
    status: statusOf(document, epoch, processes),
    url: names.publicUrl(record.settings.canonicalDomain ?? defaultHost(record.name, names.domain)),
    lockedBy,
    epoch: epoch.epoch,
    role: epoch.role,
    gate,
    remote: remotes.map(({ addon, peer, peerApp }) => ({ addon, region: peer.region, app: peerApp })),
    lent: loans.map(({ addon, region, app }) => ({ addon, region, app })),
    front: front && { proxy: front.place.kind, where: whereIs(front.place), entry: front.entry },
    record: masked(record),
  };
}

export function statusOf(
  document: Readonly<AppDocument>,
  epoch: EpochRecord,
  processes: ProcessView[],
): AppView['status'] {
  if (epoch.role === 'passive' && document.forward) return 'moved';
  if (document.lockedBy !== null) return 'migrating';
  if (document.record.build === null) return 'new';
  if (document.desired === 'stopped') return 'stopped';
  const kept = processes.filter(({ state }) => state !== 'scheduled');
  const web = kept.filter(({ type }) => type === 'web');
  const judged = web.length > 0 ? web : kept;
  if (judged.every(({ state }) => state === 'running')) return 'running';
  if (judged.some(({ state, restarts }) => state === 'backing-off' || restarts > 0)) return 'crashed';
  return 'starting';
}

import type { Migration, WayBackReport } from '../protocol/migration.ts';

/** Why a switch of this migration cannot be taken back; null where it can. Only what is followed live comes back; what never left needs not. */
export function whyNoWayBack({ report, source, destination, withoutWayBack }: Migration): string | null {
  if (withoutWayBack) return 'the switch was wanted without one';
  if (source === destination) return `both sides are in ${source}`;
  return report.stores.flatMap(reasonOf).join('; ') || null;
}

function reasonOf({ name, carrier, noWayBack }: Migration['report']['stores'][number]): string[] {
  if (!['live', 'remote', 'provision'].includes(carrier))
    return [`${name} is carried by ${carrier}, which brings nothing back`];
  return carrier === 'live' && noWayBack ? [`${name}: ${noWayBack}`] : [];
}

export const wayBackTo = (epoch: number, part: Partial<WayBackReport> = {}): WayBackReport => ({
  open: true,
  reason: null,
  epoch,
  since: null,
  stores: [],
  retainedBytes: null,
  diskFreeBytes: null,
  ...part,
});

import { whyNoWayBack } from '../../migration/way-back.ts';
import type { Migration } from '../../protocol/migration.ts';
import { bytes, duration } from '../show/units.ts';
import { asLastSwitched, isSwitched, lastSwitch } from './sides.ts';

/** What a switch is about to do, and what ends it, for the person who has to say yes. */
export function finalizeLines(m: Migration, there: string): string[] {
  return [
    `Switch: requests are held${about(m)}, none is refused; then ${there} answers them.`,
    ...(isSwitched(m) ? comesAlong(m, m.source, m.destination, 'since the rollback') : []),
    backsOut(m, m.source),
    `Workers move too. ${m.source} forwards what still arrives.`,
    ...afterwards(m, m.source),
  ];
}

export function rollbackLines(m: Migration): string[] {
  const { source, destination, srcAppName, dstAppName } = asLastSwitched(m);
  const there = dstAppName === srcAppName ? source : `${source} as ${srcAppName}`;
  const left = stays(m, destination);
  return [
    ...(left.length
      ? [
          `Leave ${left.join(', ')} in ${destination}: ${source} uses it from there, and every query takes a round trip more.`,
          `Its copy in ${source} is GIVEN UP and not followed any more; finalize again to have app and data together.`,
        ]
      : []),
    `Switch back: requests are held${about(m)}, none is refused; then ${there} answers them again.`,
    ...comesAlong(m, destination, source, 'since the switch'),
    backsOut(m, destination),
    `Workers move back too. ${destination} forwards what still arrives.`,
    ...afterwards(m, destination),
  ];
}

export function completeLines(m: Migration): string[] {
  const { source, destination, srcAppName } = asLastSwitched(m);
  const kept = m.report.wayBack?.retainedBytes;
  return [
    `End the way back: ${source} stops following, and the switch cannot be taken back any more.`,
    `Free what ${destination} keeps for it${kept ? `, ${bytes(kept)}` : ''}. ${destination} serves on.`,
    `${source} keeps ${srcAppName} with its data as they are then, sealed, and forwards what still arrives.`,
    ...lentLines(m, source, destination),
  ];
}

/** What the serving side uses in the region that it left goes on being used there. */
function lentLines(m: Migration, left: string, serving: string): string[] {
  const lent = stays(m, left);
  return lent.length === 0 ? [] : [`NOT sealed: ${lent.join(', ')}, which ${serving} goes on using in ${left}.`];
}

const stays = ({ report }: Migration, region: string): string[] =>
  report.stores.filter((store) => store.carrier === 'remote' && store.region === region).map(({ name }) => name);

const about = (m: Migration): string => {
  const expected = lastSwitch(m)?.freezeMs ?? m.report.predictedFreezeMs;
  return expected === null ? '' : ` for about ${duration(expected)}`;
};

const backsOut = (m: Migration, serving: string) =>
  `After ${duration(m.budgetMs)} the switch backs out by itself and ${serving} serves on.`;

const comesAlong = ({ report }: Migration, from: string, to: string, since: string) => [
  `What was written in ${from} ${since} comes along: ${to} has followed every change.`,
  `Settings changed there ${since} (variables, scale, domains, build) do NOT: ${to} has its own.`,
  ...report.stores
    .filter(({ carrier }) => carrier === 'provision')
    .map(({ name }) => `${name} (carrier provision) is NOT followed: ${to} has its own, as it was.`),
];

const afterwards = (m: Migration, left: string): string[] => {
  const why = whyNoWayBack(m);
  return why
    ? [`There is NO WAY BACK after it: ${why}.`]
    : [`${left} then follows every change, so that you can switch back, until migration-complete.`];
};

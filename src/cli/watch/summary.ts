import type { Migration, Phase } from '../../protocol/migration.ts';
import { completeLines, finalizeLines, rollbackLines } from './switch-summary.ts';

/** What a phase is about to do, for the person who has to say yes. */
export function summaryOf(m: Migration, phase: Phase): string[] {
  const there = m.dstAppName === m.srcAppName ? m.destination : `${m.destination} as ${m.dstAppName}`;
  switch (phase) {
    case 'prepare':
      return [
        `Lock the settings of ${m.srcAppName} in ${m.source}: read-only until the migration ends.`,
        `Create the app in ${there} and import its build, environment, settings, limits, processes, accepted`,
        'collaborators, SCM link, domains with certificates, notifiers, alerts, log drains and autoscalers.',
        `${m.source} goes on serving.`,
      ];
    case 'data':
      return [
        ...dataLines(m),
        `Start the web processes in ${there} and check their health. No visitor gets there yet.`,
      ];
    case 'finalize':
      return finalizeLines(m, there);
    case 'rollback':
      return rollbackLines(m);
    case 'complete':
      return completeLines(m);
    case 'abort':
      if (m.status === 'preflight-success') return ['End the migration, which has changed nothing yet.'];
      return [
        `Remove ${m.dstAppName} with its copied data from ${m.destination}, and everything that the migration made in ${m.source}.`,
        `Unlock ${m.srcAppName}; ${m.source} goes on serving.`,
      ];
    default:
      return [];
  }
}

function dataLines(m: Migration): string[] {
  const carriers = new Map(m.report.stores.map((store) => [store.name, store.carrier]));
  for (const [name, carrier] of Object.entries(m.carriers)) carriers.set(name, carrier);
  const stops = [...carriers].filter(([, carrier]) => carrier === 'backup').map(([name]) => name);
  const stays = [...carriers].filter(([, carrier]) => carrier === 'remote').map(([name]) => name);
  const goes = [...carriers].filter(([, carrier]) => carrier !== 'remote');
  const named = goes.map(([name, carrier]) => `${name} (${carrier})`).join(', ');
  return [
    ...(stays.length
      ? [
          `${stays.join(', ')} STAYS in ${m.source} (carrier remote): ${m.destination} uses it from there, the preview too.`,
        ]
      : []),
    `Copy the data${named ? ` of ${named}` : ''} to ${m.destination}, and follow every change after that.`,
    stops.length
      ? `${m.srcAppName} is STOPPED before ${stops.join(', ')} is copied (carrier backup).`
      : `${m.source} goes on serving.`,
  ];
}

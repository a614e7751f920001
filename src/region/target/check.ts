import type { AppRecord } from '../../protocol/app-record/record.ts';
import { StorkyError } from '../../protocol/errors.ts';
import type { CheckResult } from '../../protocol/migration.ts';
import type { RegionInfo } from '../../protocol/region-contract.ts';
import { checkOffers } from './check-offers.ts';
import type { TargetSide } from './target-side.ts';

/** Room that a move asks for: what was measured, and a fifth more. */
const roomFactor = 1.2;
const sizesMb: Record<string, number> = { S: 256, M: 512, L: 1024, XL: 2048, '2XL': 4096, '3XL': 8192 };

type Answer = Pick<CheckResult, 'verdict' | 'detail' | 'remedy'>;
const named = (id: string, name: string, answer: Answer): CheckResult => ({ id: `target.${id}`, name, ...answer });

/** What only the target can tell before anything is made here. */
export async function checkTarget(
  side: TargetSide,
  info: () => Promise<RegionInfo>,
  order: { app: string; migration: string; record: AppRecord; bytes: number },
): Promise<CheckResult[]> {
  const region = await info();
  const offered = side.offers.of(order.app, order.migration);
  // A database in a container brings its server along.
  const hosted = order.record.project?.services.map(({ addon }) => addon) ?? [];
  const addons = order.record.addons.filter(({ name }) => !(name in offered) && !hosted.includes(name));
  const own = { ...order.record, addons };
  return [
    named('name', `The name ${order.app} is free in ${side.region}`, nameIsFree(side, order.app)),
    named('disk', 'Room on the disk', hasRoom(order.bytes * roomFactor, region.diskFreeBytes, 'disk', side.region)),
    named('memory', 'Room in memory', hasMemory(order.record, region, side.region)),
    named('engines', 'Engines, versions and plans', hasEngines(own, region, side.region)),
    ...(await checkProject(side, order.record)),
    ...(await checkOffers(side, order.record, offered)),
  ];
}

/** Of a project of containers: would it find its names, folders and ports free, and an engine at all? */
async function checkProject({ home, region }: TargetSide, { project }: AppRecord): Promise<CheckResult[]> {
  if (!project) return [];
  try {
    const findings = await home.checkProject(project);
    return findings.map(({ id, ...answer }) => named(`project.${id}`, `The project in ${region}: ${id}`, answer));
  } catch (error) {
    const { message: detail, remedy } = StorkyError.from(error);
    return [named('project', `The project in ${region}`, { verdict: 'fail', detail, remedy })];
  }
}

function nameIsFree({ home, region }: TargetSide, app: string): Answer {
  if (!home.exists(app)) return { verdict: 'pass', detail: 'it is', remedy: null };
  return {
    verdict: 'fail',
    detail: `an app of that name is already in ${region}`,
    remedy: 'Choose another name with `--new-name`, or remove the app there.',
  };
}

function hasRoom(needed: number, free: number, what: string, region: string): Answer {
  const detail = `${megabytes(free)} free, ${megabytes(needed)} needed`;
  if (free >= needed) return { verdict: 'pass', detail, remedy: null };
  return { verdict: 'fail', detail, remedy: `Make room on the ${what} of ${region}, or choose another region.` };
}

function hasMemory({ processes }: AppRecord, { freeMemoryBytes }: RegionInfo, region: string): Answer {
  const needed = Object.values(processes).reduce((sum, { amount, size }) => sum + amount * sizesMb[size]!, 0) * 1e6;
  const answer = hasRoom(needed, freeMemoryBytes, 'memory', region);
  // Sizes are upper bounds that most apps never use, so this is no reason to refuse.
  return answer.verdict === 'fail'
    ? { ...answer, verdict: 'warn', remedy: `Watch the memory of ${region}, or scale down first.` }
    : answer;
}

function hasEngines({ addons }: AppRecord, { engines }: RegionInfo, region: string): Answer {
  const missing = addons.filter(({ engine, version, plan }) => {
    const offered = engines.find((known) => known.engine === engine);
    return !offered || (version !== null && !offered.versions.includes(version)) || !offered.plans.includes(plan);
  });
  if (missing.length === 0)
    return {
      verdict: 'pass',
      detail:
        addons.map(({ name, engine, version }) => `${name}: ${engine} ${version ?? ''}`.trim()).join(', ') ||
        'it needs none',
      remedy: null,
    };
  return {
    verdict: 'fail',
    detail: missing
      .map(
        ({ name, engine, version, plan }) => `${name}: ${region} has no ${engine} ${version ?? ''} with plan ${plan}`,
      )
      .join('; '),
    remedy: `Install it on ${region}, or choose another region.`,
  };
}

export const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;

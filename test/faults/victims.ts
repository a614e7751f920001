import { readFileSync } from 'node:fs';
import { processesUnder } from '../e2e/stage/processes-under.ts';
import type { Part, Side } from './cell.ts';
import type { RegionName, World } from './world.ts';

const programs: Partial<Record<Part, RegExp>> = {
  router: /\/router\/main\.[jt]s /,
  postgresql: /\/postgres |^postgres: /,
  mariadb: /mariadbd /,
  redis: /^\S*redis-server /,
  web: /node web\.js/,
  worker: /node worker\.js/,
};

/** Its processes, the one that leads them first: asked of the kernel, since at a failpoint the server answers nothing. */
export function pidsOf(world: World, region: RegionName, part: Part): number[] {
  if (part === 'agent') return [world.region(region).agent.pid];
  const found = processesUnder(world.region(region).folder)
    .filter(({ command }) => programs[part]!.test(`${command} `))
    .map(({ pid }) => pid);
  return found.toSorted((a, b) => Number(found.includes(parentOf(a))) - Number(found.includes(parentOf(b))) || a - b);
}

function parentOf(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return 0;
  }
}

export const partOf = (victim: `${Side}-${Part}`): [Side, Part] => victim.split('-') as [Side, Part];

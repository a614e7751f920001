import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Region } from '../e2e/stage/region.ts';
import { canMountDisks, mountDisk } from '../e2e/stage/small-disk.ts';
import { Stage } from '../e2e/stage/stage.ts';
import { runStorky } from '../support/spawned.ts';
import { prepareTally } from '../tally/prepare.ts';
import { Tallying } from '../tally/visitors.ts';
import { type PartedLink, partedLink } from './parted-link.ts';
import { Points } from './points.ts';

const regions = ['west', 'east'] as const;
export type RegionName = (typeof regions)[number];
export const otherThan = (region: RegionName): RegionName => (region === 'west' ? 'east' : 'west');

/** Three databases with their logs, twice as much as they need. */
const diskMegabytes = 1_500;

export interface World {
  stage: Stage;
  points: Points;
  links: Record<RegionName, PartedLink>;
  visitors: Tallying;
  region(name: RegionName): Region;
  end(): Promise<void>;
}

export interface WorldOptions {
  folder: string;
  seed: number;
  /** Requests a second. */
  rate: number;
}

/** A control plane and two regions whose links can be cut and whose disks can be filled, and the tally in west, with visitors. */
export async function buildWorld({ folder, seed, rate }: WorldOptions): Promise<World> {
  mkdirSync(folder);
  const ends: (() => void | Promise<void>)[] = [];
  const atEnd = (work: () => void | Promise<void>) => void ends.push(work);
  const end = async () => {
    for (const work of ends.splice(0).reverse()) await Promise.resolve(work()).catch(() => {});
  };
  let stage: Stage | undefined;
  try {
    if (canMountDisks()) for (const name of regions) mountDisk(join(folder, name), diskMegabytes, atEnd);
    const points = new Points(join(folder, 'points'));
    const serverPid = () => stage!.server.pid;
    const links = { west: await partedLink(serverPid, atEnd), east: await partedLink(serverPid, atEnd) };
    stage = await Stage.set({
      own: { folder, atEnd },
      env: points.env,
      region: (name) => ({ ...links[name as RegionName].region, env: points.env }),
    });
    await applyTally(stage);
    const visitors = new Tallying(stage.west.url, { rate, seed });
    atEnd(() => visitors.stop());
    await visitors.reached(20);
    return { stage, points, links, visitors, region: (name) => stage![name], end };
  } catch (error) {
    await end();
    throw error;
  }
}

async function applyTally({ folder, env }: Stage): Promise<void> {
  const ends: (() => void | Promise<void>)[] = [];
  const manifest = prepareTally(join(folder, 'tally'));
  const apply = ['--region', 'west', 'apply', '-f', manifest, '--yes'];
  const { code, output } = await runStorky(apply, { env, atEnd: (work) => void ends.push(work) });
  for (const work of ends) await work();
  if (code !== 0) throw new Error(`the tally was not applied:\n${output}`);
}

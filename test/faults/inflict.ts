import { setTimeout as sleep } from 'node:timers/promises';
import { fillDisk } from '../e2e/stage/small-disk.ts';
import type { LatencyProxy } from '../support/latency-proxy.ts';
import type { Cell, Part, Victim } from './cell.ts';
import { partOf, pidsOf } from './victims.ts';
import { otherThan, type RegionName, type World } from './world.ts';

const stoppedMs = 20_000;
/** At most; the bound of what is drawn. */
const [cutMs, restartAfterMs, slowMs] = [20_000, 3_000, 400];
/** What the disk has left. */
const leftMegabytes = 0.5;

/** What was done; `healed` is when the world is whole again. `over` tells that the phase rests, for what lasts until then. */
export interface Injury {
  what: string;
  healed: Promise<void>;
}

export interface Circumstances {
  world: World;
  /** That serves. */
  source: RegionName;
  random: () => number;
  over: Promise<unknown>;
}

/** The fault happens before this returns; undefined where there is nothing to hit. */
export function inflict({ victim, fault }: Cell, circumstances: Circumstances): Injury | undefined {
  const { world, random } = circumstances;
  if (victim === 'server') return fault === 'kill' ? killServer(circumstances) : stop([world.stage.server.pid]);
  if (victim.endsWith('-link')) {
    const ways = waysOf(victim, circumstances);
    return fault === 'cut' ? cut(ways, random()) : slow(ways, circumstances);
  }
  const [side, part] = partOf(victim as Parameters<typeof partOf>[0]);
  const region = side === 'source' ? circumstances.source : otherThan(circumstances.source);
  if (part === 'disk') return fill(world, region, circumstances.over);
  const pids = pidsOf(world, region, part);
  if (pids.length === 0) return undefined;
  if (fault === 'stop') return stop(pids);
  return part === 'agent' ? killAgent(world, region, random()) : kill(pids, part);
}

/** Of a database the process that leads: the others end by themselves. Whoever supervises it starts it again. */
function kill(pids: number[], part: Part): Injury {
  const hit = part === 'web' || part === 'worker' ? pids : pids.slice(0, 1);
  for (const pid of hit) signal(pid, 'SIGKILL');
  return { what: `killed ${hit.join(', ')}`, healed: Promise.resolve() };
}

function killServer({ world: { stage }, random }: Circumstances): Injury {
  const pauseMs = random() * restartAfterMs;
  stage.server.signal('SIGKILL');
  const start = async () => {
    await stage.killServer();
    await sleep(pauseMs);
    await stage.startServer();
  };
  return { what: `killed, started again after ${Math.round(pauseMs)} ms`, healed: start() };
}

function killAgent(world: World, name: RegionName, draw: number): Injury {
  const region = world.region(name);
  const pauseMs = draw * restartAfterMs;
  region.agent.signal('SIGKILL');
  const start = async () => {
    await region.killAgent();
    await sleep(pauseMs);
    await region.startAgent();
  };
  return { what: `killed, started again after ${Math.round(pauseMs)} ms`, healed: start() };
}

function stop(pids: number[]): Injury {
  for (const pid of pids) signal(pid, 'SIGSTOP');
  const go = async () => {
    await sleep(stoppedMs);
    for (const pid of pids) signal(pid, 'SIGCONT');
  };
  return { what: `stopped ${pids.join(', ')} for ${stoppedMs / 1000} s`, healed: go() };
}

function waysOf(victim: Victim, { world: { links }, source }: Circumstances): LatencyProxy[] {
  const both = [links.west, links.east];
  if (victim === 'regions-link') return both.flatMap(({ peer }) => peer);
  if (victim === 'server-link') return both.flatMap(({ server }) => server);
  const { server, peer } = links[victim === 'source-link' ? source : otherThan(source)];
  return [...server, ...peer];
}

function cut(ways: LatencyProxy[], draw: number): Injury {
  for (const proxy of ways) proxy.cut();
  const restore = async () => {
    await sleep(draw * cutMs);
    for (const proxy of ways) proxy.restore();
  };
  return { what: `cut for ${((draw * cutMs) / 1000).toFixed(1)} s`, healed: restore() };
}

function slow(ways: LatencyProxy[], { random, over }: Circumstances): Injury {
  const delayMs = Math.round(random() * slowMs);
  for (const proxy of ways) proxy.setDelay(delayMs);
  const restore = async () => {
    await over.catch(() => {});
    for (const proxy of ways) proxy.setDelay(0);
  };
  return { what: `slowed down by ${delayMs} ms each way until the phase rested`, healed: restore() };
}

function fill(world: World, region: RegionName, over: Promise<unknown>): Injury {
  const full = fillDisk(world.region(region).folder, leftMegabytes);
  const free = async () => {
    const patience = new AbortController();
    await Promise.race([
      over.catch(() => {}),
      sleep(stoppedMs, undefined, { signal: patience.signal }).catch(() => {}),
    ]);
    patience.abort();
    full.free();
  };
  return { what: `filled but for ${leftMegabytes} MB`, healed: free() };
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended meanwhile.
  }
}

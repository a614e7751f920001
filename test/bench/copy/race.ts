import { randomUUID } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { giveToAccount } from '../../../src/base/account.ts';
import type { DatabaseEngine, DatabaseInstance } from '../../../src/drivers/database/contract.ts';
import { startChild } from '../child.ts';
import { median, round } from '../statistics.ts';
import type { Ours } from './ours.ts';

export interface CopyMeasurement {
  bench: 'copy';
  engine: string;
  peer: string;
  /** Median of each round's ours divided by the peer's; below 1 we are faster. */
  ratio: number;
  oursSeconds: number;
  peerSeconds: number;
  bytes: number;
  /** Resident memory of the process that copied, at most. */
  ourPeakMb: number;
}

export interface RaceOptions {
  /** Of the source's data, about. */
  gigabytes?: number;
  /** Of each tool, in turns, so that what else the machine does falls on all of them; the medians count. */
  rounds?: number;
}

/** What is particular to an engine. */
export interface Race {
  engine: DatabaseEngine;
  /** Gives the bytes of what it has made. */
  fill(source: DatabaseInstance, gigabytes: number): Promise<number>;
  /** Each with a work folder of its own, which goes afterwards. */
  peers: Record<string, (source: DatabaseInstance, target: DatabaseInstance, work: string) => Promise<void>>;
  /** Before each copy, on the source: none pays for what another left to be done. */
  settle(source: DatabaseInstance): Promise<void>;
  /** The same text for the same contents. */
  contents(instance: DatabaseInstance): Promise<string>;
}

/**
 * The first copy of a live move against the tools that people use: the same source, a fresh target server for each with
 * the settings of its plan, the set-up of the command included.
 */
export async function* raceOf(race: Race, options: RaceOptions = {}): AsyncGenerator<CopyMeasurement> {
  const { gigabytes = 1, rounds = 3 } = options;
  const { engine, peers } = race;
  const folder = mkdtempSync(join(tmpdir(), 'storky-bench-'));
  chmodSync(folder, 0o711);
  await using ends = new AsyncDisposableStack();
  ends.defer(() => rmSync(folder, { recursive: true, force: true }));
  const source = await server(race, folder, 'source');
  ends.defer(() => engine.destroy(source));
  const bytes = await race.fill(source, gigabytes);
  const ours: { seconds: number; peakMb: number }[] = [];
  const theirs = Object.fromEntries(Object.keys(peers).map((peer): [string, number[]] => [peer, []]));
  for (let turn = 0; turn < rounds; turn++) {
    ours.push(await onFreshTarget(race, folder, source, (target) => copyOurs(source, target)));
    for (const [peer, copy] of Object.entries(peers)) {
      const work = workFolder(folder);
      theirs[peer]!.push(await onFreshTarget(race, folder, source, (target) => timed(copy(source, target, work))));
      rmSync(work, { recursive: true, force: true });
    }
  }
  for (const [peer, seconds] of Object.entries(theirs))
    yield {
      bench: 'copy',
      engine: engine.engine,
      peer,
      ratio: round(median(ours.map((one, turn) => one.seconds / seconds[turn]!))),
      oursSeconds: round(median(ours.map((one) => one.seconds))),
      peerSeconds: round(median(seconds)),
      bytes,
      ourPeakMb: Math.max(...ours.map(({ peakMb }) => peakMb)),
    };
}

async function server({ engine }: Race, folder: string, name: string): Promise<DatabaseInstance> {
  const version = (await engine.versions()).at(-1);
  if (!version) throw new Error(`no server of ${engine.engine} is installed: run \`node scripts/setup.js\``);
  const names = { app: 'bench', addon: name, database: 'bench', user: 'bench', password: 'bench' };
  return engine.provision({ ...names, plan: 'business-2048', version, folder: join(folder, name) });
}

function workFolder(folder: string): string {
  const work = join(folder, 'work');
  mkdirSync(work);
  giveToAccount(work);
  return work;
}

async function onFreshTarget<T>(
  race: Race,
  folder: string,
  source: DatabaseInstance,
  copy: (target: DatabaseInstance) => Promise<T>,
): Promise<T> {
  const target = await server(race, folder, `target-${randomUUID().slice(0, 8)}`);
  try {
    await race.settle(source);
    const copied = await copy(target);
    const [here, there] = [await race.contents(source), await race.contents(target)];
    if (here !== there) throw new Error(`the copy is not the same: ${here} against ${there}`);
    return copied;
  } finally {
    await race.engine.destroy(target);
  }
}

async function copyOurs(source: DatabaseInstance, target: DatabaseInstance) {
  const ours = startChild<Ours>(new URL('./ours.ts', import.meta.url));
  try {
    await ours.ask.load();
    return await ours.ask.copy(source, target);
  } finally {
    await ours.end();
  }
}

async function timed(work: Promise<void>): Promise<number> {
  const began = performance.now();
  await work;
  return (performance.now() - began) / 1000;
}

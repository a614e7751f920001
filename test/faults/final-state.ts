import type { AppView } from '../../src/protocol/app-record/record.ts';
import { waitFor } from '../support/wait-for.ts';
import { judgeTally, type TallyVerdict } from '../tally/verdict.ts';
import type { Journey } from './journey.ts';
import { pidsOf } from './victims.ts';
import { otherThan, type RegionName, type World } from './world.ts';

const app = 'tally';
/** In which processes that were killed have started again, pauses included, and a side that was undecided has decided. */
const settleMs = 90_000;

export interface FinalState {
  /** One sentence: who serves, who does not, and what the ledger says. */
  statement: string;
  verdict: TallyVerdict;
}

/** @throws Error where not exactly the side that should serve does, for good. */
export async function finalState(world: World, journey: Journey): Promise<FinalState> {
  const { serving } = journey;
  const other = otherThan(serving);
  await waitFor(() => servesAlone(world, serving), { timeout: settleMs, every: 250, what: `${serving} serving alone` });
  await answersIn(world, serving);
  await journey.lookBack();
  if (journey.position === 'home') await nothingIsLeft(world, serving);
  const verdict = await waitFor(
    () => judgeTally(world.visitors.acknowledged, world.region(serving).folder, { final: true }),
    { timeout: settleMs, every: 1_000, what: 'a look into the stores' },
  );
  const { acknowledged, lost, duplicated, orphans } = verdict;
  const ledger = `${acknowledged} acknowledged, ${lost.length} lost, ${duplicated.length} twice, ${orphans.length} without cause`;
  return {
    statement: `served by ${serving} alone, ${journey.position}, ${other} is passive or empty; ${ledger}`,
    verdict,
  };
}

/** What both agents and the kernel say; else throws with what they do. */
async function servesAlone(world: World, serving: RegionName): Promise<true> {
  const [here, there] = await Promise.all([view(world, serving), view(world, otherThan(serving))]);
  const wrong = [
    here?.role !== 'active' && `${serving} is ${here?.role ?? 'without the app'}`,
    here?.gate !== 'serve' && `its gate is at ${here?.gate}`,
    there && there.role !== 'passive' && `${there.region} is ${there.role}`,
    pidsOf(world, serving, 'worker').length !== 1 && `${pidsOf(world, serving, 'worker').length} workers in ${serving}`,
    pidsOf(world, otherThan(serving), 'worker').length > 0 && `a worker in ${otherThan(serving)}`,
  ].filter(Boolean);
  if (wrong.length > 0) throw new Error(wrong.join(', '));
  return true;
}

async function view({ stage: { api } }: World, region: RegionName): Promise<AppView | undefined> {
  if (!(await api.apps.list({})).some((known) => known.name === app && known.region === region)) return undefined;
  return await api.apps.get({ app, region });
}

/** Through the door at which visitors are now, and by that side. */
async function answersIn({ visitors }: World, serving: RegionName): Promise<void> {
  const before = { served: visitors.servedBy[serving] ?? 0, acknowledged: visitors.acknowledged.length };
  const answered = () =>
    (visitors.servedBy[serving] ?? 0) > before.served + 3 && visitors.acknowledged.length > before.acknowledged + 3;
  await waitFor(answered, { timeout: settleMs, what: `answers by ${serving}` });
}

/** After an abort, or the end of a way back and the removal of the old side. */
async function nothingIsLeft({ stage: { api } }: World, serving: RegionName): Promise<void> {
  const there = (await api.apps.list({})).filter(({ region }) => region !== serving);
  if (there.length > 0) throw new Error(`the app is left in ${there[0]!.region}`);
  const { lockedBy } = await api.apps.get({ app, region: serving });
  if (lockedBy) throw new Error(`the app is still locked by ${lockedBy}`);
}

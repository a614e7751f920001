import { seededRandom } from '../support/seeded-random.ts';
import { forgetIds } from '../tally/forget.ts';
import { judgeTally, type TallyVerdict } from '../tally/verdict.ts';
import { Tallying } from '../tally/visitors.ts';
import { Figures } from './figures.ts';
import { resultOf, type SoakResult } from './result.ts';
import { Walk } from './walk.ts';
import { buildWorld, type World } from './world.ts';

export interface SoakOptions {
  switches: number;
  secondsBetween: number;
  /** Requests a second. */
  rate: number;
  seed: number;
  folder: string;
  tell(line: string): void;
}

/** After so many switches everything is compared, so that a loss is known near the switch that made it. */
const compareEvery = 10;
/** And when so many are to be compared: the trees of a long run must not grow because its switches take their time. */
const mostAtOnce = 4_000;

/** Visitors of an app with every kind of store, and random switches and rollbacks under their feet. */
export async function soak(options: SoakOptions): Promise<SoakResult> {
  const { folder, tell } = options;
  const world = await buildWorld(folder);
  try {
    tell(`the tally runs in west: ${world.urls.west}`);
    return await under(world, options);
  } finally {
    await world.end();
  }
}

async function under(world: World, { switches, secondsBetween, rate, seed, tell }: SoakOptions): Promise<SoakResult> {
  const started = performance.now();
  const figures = new Figures();
  const visitors = new Tallying(world.urls.west, { rate, seed });
  const forgotten = new Set<string>();
  const compare = async (final: boolean) => {
    const verdict = await judgeTally(visitors.acknowledged, world.folderOf(walk.serving), { final, forgotten });
    sayWhatIsWrong(verdict, tell);
    return verdict;
  };
  /** What was compared goes, so that the stores of a long run do not grow without end, and deletions move too. */
  const compareAndForget = async () => {
    const ids = [...visitors.acknowledged];
    const { ok, background } = await compare(false);
    if (!ok) throw new Error('what was found is above');
    await visitors.forget(ids);
    const gone = new Set(await forgetIds([...ids, ...background], world.folderOf(walk.serving)));
    for (const id of gone) forgotten.add(id);
    mine += ids.filter((id) => gone.has(id)).length;
    visitors.acknowledged.push(...ids.filter((id) => !gone.has(id)));
  };
  const walk = new Walk(world, visitors, figures, {
    switches,
    secondsBetween,
    random: seededRandom(seed),
    tell,
    async afterSwitch(done) {
      for (const failure of visitors.failures.slice(told)) tell(`failed: ${failure}`);
      told = visitors.failures.length;
      if (done % compareEvery === 0 || visitors.acknowledged.length > mostAtOnce) await compareAndForget();
      if (done % compareEvery === 0) sayMemory(done);
    },
  });
  let told = 0;
  let mine = 0;
  const memory = [world.megabytes()];
  const sayMemory = (done: number) => {
    memory.push(world.megabytes());
    tell(`memory after ${done} switches, MB: ${JSON.stringify(memory.at(-1))}`);
  };
  let error: string | null = null;
  let verdict: TallyVerdict | undefined;
  try {
    await walk.all();
  } catch (thrown) {
    error = thrown instanceof Error ? thrown.message : String(thrown);
    tell(error);
  }
  memory.push(world.megabytes());
  await visitors.stop();
  try {
    verdict = await compare(true);
  } catch (thrown) {
    error ??= `the stores could not be compared: ${thrown}`;
  }
  for (const line of [...visitors.failures.slice(told), ...visitors.misread].slice(0, 20)) tell(`failed: ${line}`);
  return resultOf({
    figures,
    visitors,
    forgotten: mine,
    memory: [memory[0]!, memory.at(-1)!],
    verdict,
    seconds: (performance.now() - started) / 1000,
    seed,
    error,
  });
}

function sayWhatIsWrong({ acknowledged, lost, duplicated, orphans }: TallyVerdict, tell: (line: string) => void): void {
  for (const line of [...lost, ...duplicated, ...orphans].slice(0, 20)) tell(`wrong: ${line}`);
  if (lost.length + duplicated.length + orphans.length === 0)
    tell(`${acknowledged} acknowledged ids are in every store`);
}

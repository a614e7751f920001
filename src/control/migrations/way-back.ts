import { switchesMade, turned } from '../../migration/moving.ts';
import { isOver, type Migration, type WayBackReport } from '../../protocol/migration.ts';
import { within } from '../regions/within.ts';
import type { ContextParts } from './context.ts';

/** An agent that is away keeps nobody waiting: what was seen last is shown. Milliseconds. */
const patienceMs = 2_000;

/** The migration as its next switch, or its end, sees it: after a switch the sides have changed places. */
export const asItStands = (migration: Migration): Migration =>
  switchesMade(migration) % 2 === 1 ? turned(migration) : migration;

/** With how far the old side follows at this moment, and what that costs the side that serves. */
export async function withWayBack(
  parts: Pick<ContextParts, 'connect' | 'migrations'>,
  migration: Migration,
): Promise<Migration> {
  const { wayBack } = migration.report;
  if (!wayBack?.open || isOver(migration) || !['done', 'rolled-back'].includes(migration.status)) return migration;
  const { source, destination, srcAppName, dstAppName, id } = asItStands(migration);
  const kept = async () => {
    const { bytes, diskFreeBytes, givenUp } = await (await parts.connect(source)).source.retained({
      app: srcAppName,
      migration: id,
    });
    if (givenUp !== null) await giveUp(parts, id, givenUp);
    return { retainedBytes: bytes, diskFreeBytes, ...(givenUp !== null && { open: false, reason: givenUp }) };
  };
  const stores = async () => ({
    stores: await (await parts.connect(destination)).source.followingBack({ app: dstAppName, migration: id }),
  });
  // Each side by itself: the one that is away hides nothing of the other.
  const seen = await Promise.all([kept(), stores()].map((look) => within<object>(patienceMs, look).catch(() => ({}))));
  const now = Object.assign({}, wayBack, ...seen) as WayBackReport;
  return { ...migration, report: { ...migration.report, wayBack: now } };
}

/** The serving side has the last word: once it keeps nothing for the other one, there is nothing to go back over. */
async function giveUp({ migrations }: Pick<ContextParts, 'migrations'>, id: string, reason: string): Promise<void> {
  await migrations.update(id, ({ migration }) => {
    Object.assign(migration.report.wayBack ?? {}, { open: false, reason });
  });
}

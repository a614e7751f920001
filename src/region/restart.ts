import type { Restarted } from '../protocol/region-contract.ts';
import type { Apps } from './apps/apps.ts';
import type { SourceHome } from './home.ts';
import { whileHeld } from './while-held.ts';

/** What is in flight ends by the app's own stop, which answers it. Milliseconds. */
const drainMs = 500;

/**
 * Web processes start anew, and nobody notices. Those of a release are replaced one by one. Containers keep their names, so
 * requests wait meanwhile; connections that go past the gate end with the old ones, and come back by the router.
 */
export async function restartWeb(
  home: SourceHome,
  apps: Apps,
  { app, budgetMs }: { app: string; budgetMs: number },
): Promise<Restarted> {
  const { projects } = apps.moving;
  if (!projects.isProject(app)) {
    await apps.restart(app);
    return { heldMs: 0, held: 0 };
  }
  await projects.begin(app);
  try {
    return await whileHeld(home, app, budgetMs, drainMs, () => projects.restartWeb(app));
  } finally {
    if (apps.document(app).lockedBy === null) await projects.end(app);
  }
}

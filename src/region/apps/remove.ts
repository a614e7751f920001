import type { AppParts } from './app-parts.ts';

/** Takes an app away with all its data. Written down first: cut short, it is finished at the agent's next start. Idempotent. */
export async function removeApp(parts: AppParts, app: string): Promise<void> {
  const { store, runner, gates, databases, remotes, projects } = parts;
  if (!store.find(app)) return;
  const { record } = store.change(app, (draft) => {
    draft.life = 'removing';
  });
  await runner.become(app);
  await projects.remove(app);
  await runner.forget(app);
  await gates.remove(app);
  await databases.destroyAll(app);
  await remotes.giveBackAll(app);
  store.delete(app);
  await gates.showCertificates();
  parts.collectBuild(record.build);
}

import { type Check, fail, pass, warn } from '../../check.ts';

export const appAtHome: Check = {
  id: 'app-at-home',
  name: 'The app runs in the region that it leaves',
  async ask({ source, migration }) {
    const app = await source.apps.get({ app: migration.srcAppName });
    if (app.role !== 'active')
      return fail(
        `${source.name} is not the active home of ${app.name}`,
        'Start the migration from the region that serves the app.',
      );
    if (app.lockedBy && app.lockedBy !== migration.id)
      return fail(`migration ${app.lockedBy} holds it`, 'Finish or abort that migration first.');
    if (!app.record.build)
      return fail('it was never deployed', `Deploy it with \`storky --region ${source.name} apply\`.`);
    if (app.status !== 'running')
      return warn(
        `it is ${app.status}`,
        `Start it with \`storky --region ${source.name} --app ${app.name} start\`, or go on: it will be moved as it is.`,
      );
    return pass(app.url);
  },
};

import { defineCommand, flag } from '../command.ts';
import { requiredApp, requiredRegion, say } from '../context.ts';
import { confirm } from '../show/confirm.ts';

export const remove = defineCommand({
  name: 'remove',
  group: 'Apps',
  summary: 'Delete an app and its data in one region, for good',
  args: {},
  options: { evenIfLent: flag('also if an app of another region uses its addons, which then loses their data') },
  needs: 'server',
  async run(context, { evenIfLent }) {
    const { paint, server } = context;
    const [app, region] = [requiredApp(context), requiredRegion(context)];
    const { record, remote } = await server.api.apps.get({ app, region });
    const stays = record.addons.filter(({ address }) => address !== undefined);
    const abroad = remote.map(({ addon, region }) => ({ name: addon, region }));
    const stores = [...record.addons, ...record.files].filter(
      (store) => ![...stays, ...abroad].some(({ name }) => name === store.name),
    );
    const what = stores.length ? ` with all data in ${namesOf(stores)}` : '';
    const but = stays.length ? ` ${namesOf(stays)} stays: Storky does not run it.` : '';
    const there = abroad.map(({ name, region }) => ` ${name} stays in ${region}.`).join('');
    say(context, paint.yellow(`${app} is deleted in ${region}${what}. This cannot be taken back.${but}${there}`));
    await confirm(context, `Deleting ${app} in ${region}`);
    await server.api.apps.remove({ app, region, evenIfLent });
    return { data: { app, region, removed: true }, text: `${paint.green('✔')} ${app} is gone from ${region}.` };
  },
});

const namesOf = (stores: { name: string }[]) => stores.map(({ name }) => name).join(', ');

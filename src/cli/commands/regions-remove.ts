import { RegionName } from '../../protocol/app-record/names.ts';
import { Destination } from '../../protocol/ssh-reach.ts';
import { SshConnection } from '../../ssh/connection.ts';
import { defineCommand, spec } from '../command.ts';
import { say } from '../context.ts';
import { confirm } from '../show/confirm.ts';

export const regionsRemove = defineCommand({
  name: 'regions-remove',
  group: 'Regions',
  summary: 'Forget a region that has no apps any more, and clear its host where it was added over SSH',
  args: {
    name: spec('<name>', 'the region', RegionName),
    host: spec('<ssh://user@host>', 'where the server does not know it any more', Destination.optional()),
  },
  options: {},
  needs: 'server',
  async run(context, { name, host: given }) {
    const { api } = context.server;
    const known = (await api.regions.list()).find((region) => region.name === name);
    const host = given ?? known?.ssh ?? null;
    const cleared = host
      ? `Its agent, its router and all files of Storky on ${host} are removed.`
      : 'Its machine is left as it is.';
    say(context, `The server forgets ${name}: its agent is no longer let in. ${cleared}`);
    await confirm(context, `Removing the region ${name}`);
    // First of all, since it is refused while the region has apps.
    if (known || !given) await api.regions.remove({ name });
    if (host) await clear(host, name, context.io.env as NodeJS.ProcessEnv, context.io.stdin.isTTY === true);
    return { data: { name, removed: true, host }, text: `${context.paint.green('✔')} ${name} is removed.` };
  },
});

async function clear(host: string, region: string, env: NodeJS.ProcessEnv, interactive: boolean): Promise<void> {
  const { uninstall } = await import('../enrol/uninstall.ts');
  const ssh = await SshConnection.open(host, env, interactive);
  try {
    await uninstall(ssh, region);
  } finally {
    await ssh.close();
  }
}

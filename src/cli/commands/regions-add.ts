import { z } from 'zod';
import { RegionName } from '../../protocol/app-record/names.ts';
import { Destination } from '../../protocol/ssh-reach.ts';
import { defineCommand, type Outcome, spec } from '../command.ts';
import type { Context } from '../context.ts';
import type { Enrolled } from '../enrol/enrol.ts';
import { port } from '../hosting/listen.ts';
import { localTime } from '../show/units.ts';

export const regionsAdd = defineCommand({
  name: 'regions-add',
  group: 'Regions',
  summary: 'Add a region: puts its agent on a host over SSH, or prints the command that starts it',
  args: {
    name: spec('<name>', 'of the region, such as paris', RegionName),
    host: spec('<ssh://user@host>', 'its host; run it again to upgrade the agent there', Destination.optional()),
  },
  options: {
    advertise: spec('<host>', 'under which other regions reach it; the SSH host if not given', z.string().optional()),
    agentPort: spec('<n>', 'where the server and other agents reach it; 8700 if not given', port(8700)),
    ingressPort: spec('<n>', 'for requests that other regions forward; 8701 if not given', port(8701)),
    httpPort: spec(
      '<n>',
      'for visitors; if not given 8080, or a free one where that is taken',
      z.coerce.number().int().min(0).max(65_535).optional(),
    ),
    node: spec(
      '<file>',
      'a Node 24 for the host, where it is another kind of machine than this',
      z.string().optional(),
    ),
  },
  needs: 'server',
  async run(context, { name, host, advertise, agentPort, ingressPort, httpPort, node }) {
    if (!host) return byHand(context, name);
    // Loaded here alone: the other way starts without it.
    const { enrolOverSsh } = await import('../enrol/enrol.ts');
    const ports = { agent: agentPort, ingress: ingressPort, http: httpPort };
    const enrolled = await enrolOverSsh(context, { region: name, destination: host, advertise, ports, node });
    return overSsh(context, name, enrolled);
  },
});

async function byHand({ paint, server }: Context<'server'>, name: string): Promise<Outcome> {
  const added = await server.api.regions.add({ name });
  const agentCommand = `storky agent --name ${name} --server ${server.address} --token ${added.token}`;
  const { hostname } = new URL(server.address);
  const local = ['127.0.0.1', 'localhost', '[::1]'].includes(hostname);
  const text = [
    `${paint.green('✔')} ${name} is awaited. Run this on its machine, before ${localTime(added.expiresAt)}; it works once:`,
    '',
    `  ${paint.cyan(agentCommand)}`,
    ...(local ? ['', paint.dim(`From another machine, put an address of this one in the place of ${hostname}.`)] : []),
  ].join('\n');
  return { data: { ...added, command: agentCommand }, text };
}

const starters = {
  'system-service': 'a systemd service',
  'user-service': 'a systemd service of its user, which runs without a login',
  container: 'Docker, in a container that has the host’s root rights',
  cron: 'cron’s @reboot and a loop of the shell',
  none: 'a loop of the shell',
};

function overSsh({ paint }: Context, name: string, { host, supervision, facts }: Enrolled): Outcome {
  const text = [
    `${paint.green('✔')} ${name} runs on ${host}, started again by ${starters[supervision]}.`,
    ...lacks({ supervision, facts }).map((line) => `  ${paint.yellow('!')} ${line}`),
    `${paint.bold('Next:')} ${paint.cyan(`storky --region ${name} apply`)} in an app's folder`,
    ...(facts.docker
      ? [`or ${paint.cyan(`storky --region ${name} apps --discover`)} for what runs there under Docker`]
      : []),
  ].join('\n');
  const { root, docker, user, folder } = facts;
  return { data: { name, host, user, root, docker, folder, supervision }, text };
}

/** What another account, or another host, would add. */
function lacks({ supervision, facts }: Pick<Enrolled, 'supervision' | 'facts'>): string[] {
  const lines: string[] = [];
  if (supervision === 'none')
    lines.push(
      'Nothing starts it after a reboot: this account may use neither systemd nor cron. Run the same command then.',
    );
  if (!facts.root && supervision !== 'container')
    lines.push(
      `${facts.user} is not root: no packet rules, no ports below 1024, no accounts and owners of files but its own.`,
    );
  return lines;
}

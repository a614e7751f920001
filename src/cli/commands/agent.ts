import { z } from 'zod';
import { HostName, RegionName } from '../../protocol/app-record/names.ts';
import type { AgentOptions, RunningAgent } from '../../region/agent/agent.ts';
import { defineCommand, flag, spec } from '../command.ts';
import { serverAddress } from '../connection/address.ts';
import type { Context } from '../context.ts';
import { dataFolder } from '../hosting/folders.ts';
import { listen, port, reachableHost } from '../hosting/listen.ts';
import { announce, untilStopped } from '../hosting/until-stopped.ts';

const portText = (what: string) => `${what}; 0 takes a free one and keeps it`;

export const agent = defineCommand({
  name: 'agent',
  group: 'Regions',
  summary: 'Run the agent of a region on this machine; `regions-add` prints the whole command',
  args: {},
  options: {
    name: spec('<region>', 'the region that it is', RegionName),
    token: spec('<token>', 'to enrol, at the first start', z.string().optional()),
    data: spec(
      '<folder>',
      'its apps and their data; /var/lib/storky/regions/<region> or ~/.local/share/storky/regions/<region> if not given',
      z.string().optional(),
    ),
    listen: spec(
      '<host:port>',
      portText('where the server and other agents reach it; 0.0.0.0:8700 if not given'),
      listen('0.0.0.0:8700'),
    ),
    advertise: spec('<host>', 'under which they reach it; the first outer address if not given', z.string().optional()),
    httpPort: spec('<n>', portText('for visitors; 8080 if not given'), port(8080)),
    httpsPort: spec(
      '<n>',
      'for visitors with TLS; none if not given',
      z.coerce.number().int().min(1).max(65_535).optional(),
    ),
    ingressPort: spec('<n>', portText('for requests that other regions forward; 8701 if not given'), port(8701)),
    domain: spec('<domain>', 'host names of apps end in it; <region>.localhost if not given', HostName.optional()),
    copies: spec(
      '<n>',
      'how many addons and file trees are copied here at once; 4 if not given',
      z.coerce.number().int().min(1).max(64).optional(),
    ),
    docker: spec('<socket>', 'of Docker on this machine; /var/run/docker.sock if not given', z.string().optional()),
    stopAll: flag('stop apps and databases too when the agent is stopped; they go on without it'),
  },
  needs: 'nothing',
  async run(context, { stopAll, ...input }) {
    const { collectOnce } = await import('../../base/heap.ts');
    // Loaded here alone: every other command starts without the agent's libraries.
    const { startAgent } = await import('../../region/agent/agent.ts');
    const { assembleRegion } = await import('../../region/assemble.ts');
    const running = await startAgent(agentOptions(context, input), assembleRegion);
    collectOnce();
    try {
      announceAgent(context, input.name, running);
      await untilStopped(context);
    } finally {
      await running.stop({ everything: stopAll });
    }
    return { data: undefined, text: '' };
  },
});

type Input = Omit<Parameters<typeof agent.run>[1], 'stopAll'>;

function agentOptions({ io, global }: Context, input: Input): AgentOptions {
  const { name, data, advertise, domain, listen, httpPort, httpsPort, ingressPort, copies, docker } = input;
  const server = global.server ?? io.env.STORKY_URL;
  return {
    name,
    dataFolder: dataFolder(io, data, 'regions', name),
    server: server && serverAddress(server),
    token: input.token ?? enrolmentToken(io.env.STORKY_TOKEN),
    listen,
    advertise: advertise ?? reachableHost(listen.host),
    httpPort,
    httpsPort,
    ingressPort,
    copies,
    dockerSocket: docker,
    domain: domain ?? `${name}.localhost`,
  };
}

/** The variable may as well hold a user's token, for the other commands. */
const enrolmentToken = (token?: string) => (token?.startsWith('sty_enrol_') ? token : undefined);

function announceAgent(context: Context, region: string, { address, httpPort, httpsPort }: RunningAgent): void {
  const { paint } = context;
  const text = [
    `${paint.green('✔')} The agent of ${paint.bold(region)} is ready at ${address.host}:${address.port}`,
    `  Visitors: port ${httpPort}${httpsPort ? ` and ${httpsPort} (TLS)` : ''}; forwarded requests: port ${address.ingressPort}`,
    `${paint.bold('Next:')} ${paint.cyan(`storky --region ${region} apply`)} in an app's folder`,
  ].join('\n');
  announce(context, { region, address, httpPort, httpsPort }, text);
}

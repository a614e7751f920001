import { setTimeout as sleep } from 'node:timers/promises';
import { StorkyError } from '../../protocol/errors.ts';
import { SshConnection } from '../../ssh/connection.ts';
import type { Context } from '../context.ts';
import { say } from '../context.ts';
import { type Facts, factsOf } from './facts.ts';
import { makeFolder } from './in-container.ts';
import { bring, httpPortFor, lastWords, start, tidy } from './install.ts';
import { placesOf } from './places.ts';
import { programFor } from './program.ts';
import { type Supervision, supervisionFor } from './supervision.ts';

export interface Enrolment {
  region: string;
  destination: string;
  advertise: string | undefined;
  ports: { agent: number; ingress: number; http: number | undefined };
  /** A Node for the host, where ours does not run there. */
  node: string | undefined;
}

export interface Enrolled {
  host: string;
  supervision: Supervision;
  facts: Facts;
}

/** Puts the agent and the router on a host, or a newer version in the place of the one that is there, and connects them. */
export async function enrolOverSsh(context: Context<'server'>, wanted: Enrolment): Promise<Enrolled> {
  const interactive = context.io.stdin.isTTY === true;
  const ssh = await SshConnection.open(wanted.destination, context.io.env as NodeJS.ProcessEnv, interactive);
  try {
    const facts = await factsOf(ssh);
    const host = wanted.advertise ?? (await ssh.hostName());
    const program = programFor(facts, wanted.node);
    const places = placesOf(facts.folder, wanted.region, program.digest);
    say(context, `${host}: ${facts.user} on ${facts.platform}-${facts.architecture}; bringing Node and Storky.`);
    const supervision = supervisionFor(facts);
    if (supervision === 'container') await ssh.script(makeFolder(facts.folder));
    if (!(await bring(ssh, places, program))) say(context, 'They are there already.');
    const invitation = await invite(context, ssh, wanted);
    const http = wanted.ports.http ?? (await httpPortFor(ssh, places));
    const options = optionsOf(wanted, host, http, facts);
    const order = { places, supervision, options, ...invitation };
    await start(ssh, order);
    await answering(context, wanted.region, () => lastWords(ssh, order));
    await tidy(ssh, places);
    return { host, supervision, facts };
  } finally {
    await ssh.close();
  }
}

/** A token, and a port of the host by which its agent reaches the server while this connection lasts. */
async function invite({ server }: Context<'server'>, ssh: SshConnection, { region, destination }: Enrolment) {
  const { hostname, port } = new URL(server.address);
  const tunnel = ['127.0.0.1', 'localhost', '[::1]'].includes(hostname);
  const { token } = await server.api.regions.add({ name: region, ssh: { destination, hostKey: ssh.hostKey, tunnel } });
  const back = await ssh.forwardBack(`${hostname}:${port || 443}`);
  return { server: `https://127.0.0.1:${back}`, token };
}

function optionsOf({ ports }: Enrolment, host: string, http: number, { dockerSocket }: Facts): string[] {
  const listening = ['--listen', `0.0.0.0:${ports.agent}`, '--ingress-port', `${ports.ingress}`];
  return [
    ...listening,
    '--http-port',
    `${http}`,
    '--advertise',
    host,
    ...(dockerSocket ? ['--docker', dockerSocket] : []),
  ];
}

const patienceMs = 90_000;

async function answering(context: Context<'server'>, region: string, words: () => Promise<string>): Promise<void> {
  let detail: string | null = 'its agent does not enrol';
  for (const until = performance.now() + patienceMs; performance.now() < until; await sleep(500)) {
    const view = (await context.server.api.regions.list()).find(({ name }) => name === region);
    if (view?.status === 'reachable') return;
    detail = view?.detail ?? detail;
  }
  throw new StorkyError('host_not_fit', {
    host: region,
    detail: [detail, await words()].join('; '),
    hint: 'Mend what it says and run the same command again, or `storky regions-remove` it.',
  });
}

import type Docker from 'dockerode';
import type { ProjectMount, ProjectService } from '../../../../protocol/app-record/project.ts';
import { StorkyError } from '../../../../protocol/errors.ts';
import type { DatabaseEngine } from '../../../database/contract.ts';
import type { ProjectRuntime } from '../../projects.ts';
import { inspectIfThere, variables } from '../containers.ts';
import { asked, openDocker, socketOf } from '../docker.ts';
import { watchContainers } from '../events.ts';
import { describeImage } from '../images/image.ts';
import { ImageInbox } from '../images/image-inbox.ts';
import { sendImage } from '../images/send-image.ts';
import { checkProject } from './check.ts';
import { type Host, makeMount, makeService } from './make.ts';
import { readProject } from './read.ts';
import { removeMount, removeNetworks, removeService } from './remove.ts';
import { logsOf, startContainer, startService, stopContainer, stopService } from './run.ts';
import { startShut } from './start-shut.ts';
import { statesOf } from './states.ts';

/** Projects under Docker on this host. Docker is looked for at each call: it may come and go. */
export function dockerProjects(
  region: string,
  socketPath: string | undefined,
  engines: () => Promise<Pick<DatabaseEngine, 'engine' | 'recognise'>[]>,
  /** Where images arrive. */
  imagesFolder: string,
): ProjectRuntime {
  const docker = (): Docker => openDocker(region, socketPath);
  const host = (): Host => ({ region, docker: docker(), socket: socketOf(socketPath) });
  return {
    read: async (name, hints) => readProject({ region, docker: docker(), engines: await engines() }, name, hints),
    check: (project) => checkProject(host(), project),
    makeMount: (mount, made) => makeMount(host(), mount, made),
    mountPath: (mount) => mountPath(host(), mount),
    make: (project, service, made) => makeService(host(), project, service, made),
    states: (project) => statesOf(docker(), project),
    start: (service, again) => startService(host(), service, again),
    stop: (service) => stopService(host(), service),
    watch: (told) => watchContainers(docker, told),
    startedWith: ({ containers: [container] }) => startedWith(container!.spec),
    commands: { logs: (name) => `docker logs ${name}`, run: (name) => `docker exec ${name} …` },
    logs: (service, lines) => logsOf(host(), service, lines),
    remove: (service, made) => removeService(host(), service, made),
    removeMount: (mount, made) => removeMount(host(), mount, made),
    removeNetworks: (project, made) => removeNetworks(host(), project, made),
    reach: (service) => reach(host(), service),
    images: images(region, docker, imagesFolder),
    containers: {
      start: (name, shut) => (shut ? startShut(host(), name, shut) : startContainer(host(), name)),
      stop: (name) => stopContainer(host(), name),
      restart: async (name) => void (await asked(region, docker().getContainer(name).restart())),
      runs: async (name) => (await inspectIfThere(docker(), name))?.State.Running ?? false,
    },
  };
}

/** As Docker puts them together. */
function startedWith(spec: object): ReturnType<ProjectRuntime['startedWith']> {
  const { Env: env, Entrypoint: program, Cmd: args } = spec as Record<string, string[] | null | undefined>;
  return { environment: variables(env ?? []), command: [...(program ?? []), ...(args ?? [])] };
}

function images(region: string, docker: () => Docker, folder: string): ProjectRuntime['images'] {
  const inbox = () => new ImageInbox(folder, region, docker());
  return {
    describe: (reference) => describeImage(region, docker(), reference),
    lacks: (image) => inbox().lacks(image),
    send: (image, wanted) => sendImage(region, docker(), image, wanted),
    receive: (image, stream) => inbox().receive(image, stream, () => {}),
    load: (image) => inbox().load(image),
    remove: (id) => removeImage(docker(), id),
  };
}

/** With all its tags, which takes force; by force Docker would also take it from a container that is stopped. */
async function removeImage(docker: Docker, id: string): Promise<void> {
  const users = await docker.listContainers({ all: true, filters: { ancestor: [id] } }).catch(unlessGone);
  if (!users || users.length > 0) return;
  await docker.getImage(id).remove({ force: true }).catch(unlessGone);
}

/** Or a container has come to run from it just now. */
function unlessGone(error: { statusCode?: number }): undefined {
  if (error.statusCode !== 409 && error.statusCode !== 404) throw error;
}

async function mountPath({ region, docker }: Host, { kind, name }: ProjectMount): Promise<string> {
  if (kind === 'folder') return name;
  return (await asked(region, docker.getVolume(name).inspect())).Mountpoint;
}

async function reach({ region, docker, socket }: Host, { name, containers: [container] }: ProjectService) {
  const { NetworkSettings, State } = await asked(region, docker.getContainer(container!.name).inspect());
  const [network] = Object.values(NetworkSettings.Networks).filter(({ IPAddress }) => Boolean(IPAddress));
  if (!network)
    throw new StorkyError('unsupported', {
      what: `The database ${name}`,
      detail: State.Running ? 'its container is in no network of Docker’s' : 'its container does not run',
      hint: State.Running ? 'Give it a network of its own.' : `Start it: docker start ${container!.name}`,
    });
  const exec = ['docker', '--host', `unix://${socket}`, 'exec', '--interactive'];
  return { host: network.IPAddress, guest: { exec, container: container!.name, gateway: network.Gateway } };
}

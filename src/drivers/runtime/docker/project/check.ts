import type { Project } from '../../../../protocol/app-record/project.ts';
import type { ProjectFinding } from '../../projects.ts';
import { inspectAll, inspectIfThere, nameOf } from '../containers.ts';
import { asked } from '../docker.ts';
import { gone, type Host } from './make.ts';
import { holdsSomething } from './parts.ts';
import { publishedPorts } from './ports.ts';

/** Would the project find its names, ports and folders free here, and a Docker of its architecture? */
export async function checkProject(host: Host, project: Project): Promise<ProjectFinding[]> {
  return [
    finding('containers', await takenContainers(host, project), 'names of its containers', 'Rename or remove'),
    finding('volumes', await takenVolumes(host, project), 'names of its volumes', 'Remove'),
    finding('folders', takenFolders(project), 'its folders', 'Empty or move'),
    finding('ports', await takenPorts(host, project), 'its ports', 'Stop, or give another port to,'),
  ];
}

function finding(id: string, taken: string[], what: string, doing: string): ProjectFinding {
  if (taken.length === 0) return { id, verdict: 'pass', detail: `${what} are free`, remedy: null };
  return {
    id,
    verdict: 'fail',
    detail: `${taken.join(', ')}: taken on this host`,
    remedy: `${doing} ${taken.join(', ')}.`,
  };
}

async function takenContainers({ docker }: Host, { services }: Project): Promise<string[]> {
  const names = services.flatMap(({ containers }) => containers.map(({ name }) => name));
  const there = await Promise.all(
    names.map(async (name) => ((await inspectIfThere(docker, name)) ? [`container ${name}`] : [])),
  );
  return there.flat();
}

async function takenVolumes({ docker }: Host, { mounts }: Project): Promise<string[]> {
  const volumes = mounts.filter(({ kind }) => kind === 'volume');
  const there = await Promise.all(
    volumes.map(async ({ name }) => ((await gone(docker.getVolume(name).inspect())) ? [] : [`volume ${name}`])),
  );
  return there.flat();
}

const takenFolders = ({ mounts }: Project): string[] =>
  mounts.filter(({ kind, name }) => kind === 'folder' && holdsSomething(name)).map(({ name }) => `folder ${name}`);

async function takenPorts({ region, docker }: Host, { services }: Project): Promise<string[]> {
  await asked(region, docker.ping());
  const wanted = services.flatMap(({ entries }) =>
    entries.flatMap(({ published }) => published.map(({ port }) => port)),
  );
  const others = (await inspectAll(region, docker)).filter((one) => one.State.Running);
  return others.flatMap((one) =>
    publishedPorts(one)
      .flatMap(({ published }) => published)
      .filter(({ port }) => wanted.includes(port))
      .map(({ port }) => `port ${port} of container ${nameOf(one)}`),
  );
}

import type { ContainerInspectInfo } from 'dockerode';
import type { ProjectDatabase } from '../../projects.ts';
import { serviceNameOf } from '../containers.ts';
import { carriedAs, holdsDataOf, nameOfMount } from '../mounts.ts';

/**
 * The container of a database has to run before anything is copied into it, and so before any file tree is there: Docker makes
 * an empty folder of what it does not find. What is a file here is none for that container over there.
 */
export function earlyMounts(containers: ContainerInspectInfo[], databases: ProjectDatabase[]): string[] {
  return containers.flatMap((container) => {
    const service = serviceNameOf(container);
    const database = databases.find((one) => one.service === service);
    if (!database) return [];
    const early = container.Mounts.filter(
      (mount) => !holdsDataOf(mount, database) && carriedAs(mount, false).carried === 'files',
    );
    return early.map(
      (mount) =>
        `${nameOfMount(mount)}: ${service} starts on the other side before it is there; say what it holds in ${service}'s command or variables`,
    );
  });
}

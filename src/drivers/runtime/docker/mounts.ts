import type { ContainerInspectInfo } from 'dockerode';
import type { FoundMount } from '../../../protocol/discovery.ts';
import type { Recognised } from '../../database/contract.ts';

type Mount = ContainerInspectInfo['Mounts'][number];

/** Of the host itself: it has its own over there. */
const ofTheHost = ['/proc', '/sys', '/dev', '/run', '/var/run', '/etc', '/usr', '/lib', '/boot'];

const isUnder = (path: string, folder: string) => path === folder || path.startsWith(`${folder}/`);

/** Does a database keep its data there? */
export const holdsDataOf = ({ Destination: place }: Mount, { data }: Pick<Recognised, 'data'>): boolean =>
  data.some((folder) => isUnder(place, folder) || isUnder(folder, place));

/** How the mount of a service gets across, if at all. What a database keeps in it is its engine's matter. */
export function carriedAs(mount: Mount, ofDatabase: boolean): Pick<FoundMount, 'carried' | 'why'> {
  const { Type: type, Source: source, Driver: driver } = mount;
  if (type !== 'volume' && type !== 'bind') return { carried: 'not', why: `it is kept in memory (${type})` };
  if (type === 'bind' && ofTheHost.some((folder) => isUnder(source, folder)))
    return { carried: 'not', why: 'it belongs to the host' };
  if (type === 'volume' && driver !== undefined && driver !== 'local')
    return { carried: 'not', why: `its driver is ${driver}: it is elsewhere, and stays there` };
  return { carried: ofDatabase ? 'engine' : 'files', why: null };
}

export const nameOfMount = ({ Type: type, Name: name, Source: source, Destination: destination }: Mount): string =>
  type === 'volume' ? (name ?? source) : type === 'bind' ? source : destination;

export const kindOfMount = ({ Type: type }: Mount): FoundMount['kind'] =>
  type === 'volume' || type === 'bind' ? type : 'other';

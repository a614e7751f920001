import { existsSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { writeFileAtomic } from '../../../../base/atomic-file.ts';
import type { DatabaseInstance } from '../../contract.ts';

/**
 * `standby`: a copy that waits for the switch; `opened`: one that a switch has opened. `sealed`: the old home after it
 * (invariant 6). They survive a restart of the server, since they are written down beside it and every start reads them.
 */
export type Role = 'serving' | 'standby' | 'opened' | 'sealed';
type Written = Exclude<Role, 'serving'>;

type Place = Pick<DatabaseInstance, 'folder'>;
const fileOf = ({ folder }: Place, role: Written) => join(folder, `role.${role}`);

export function roleOf(place: Place): Role {
  const roles: Written[] = ['sealed', 'opened', 'standby'];
  return roles.find((role) => existsSync(fileOf(place, role))) ?? 'serving';
}

/** Where Storky does not run the server there is no folder, and nothing to write down. */
export function setRole(place: Place, role: Written, before = ''): void {
  if (existsSync(place.folder)) writeFileAtomic(fileOf(place, role), before);
}

/** A standby that a switch had sealed before: when it is not opened after all, it has to be sealed again (invariant 6). */
export function sealedBefore(place: Place): boolean {
  return roleOf(place) === 'standby' && readFileSync(fileOf(place, 'standby'), 'utf8') === 'sealed';
}

/**
 * In the freeze: one change of a name. After a crash of the host it may be a standby again, and is opened again. The source
 * may ask again before it had its answer: two can come here together, and the second finds it open.
 */
export function openStandby(place: Place): void {
  if (roleOf(place) === 'opened') return;
  renameSync(fileOf(place, 'standby'), fileOf(place, 'opened'));
}

export function clearRole(place: Place, ...roles: Written[]): void {
  for (const role of roles) rmSync(fileOf(place, role), { force: true });
}

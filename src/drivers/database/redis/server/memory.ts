import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { readJson, writeJsonAtomic } from '../../../../base/atomic-file.ts';
import type { DatabaseInstance } from '../../contract.ts';
import type { Ticket } from '../ticket.ts';

/**
 * What the server is in the life of its app; it has to come up as that after a crash.
 *
 * - `null`: where the app began, or a copy that was given up.
 * - `standby`: a copy before its switch. Refuses every writer but its stream.
 * - `active`: a switch has opened it, or let it go on. Nothing is ever copied over it.
 * - `sealed`: a switch has left it. Refuses writers, and nobody but Storky may log in. It may follow the way back.
 * - `returning`: as `sealed`, with readers let in: a switch may come back to it.
 */
export type Role = 'standby' | 'active' | 'sealed' | 'returning' | null;

/** What Storky has to know of a server after a crash of either. Durable, in the server's folder; the server has no place for it. */
export interface Memory {
  role: Role;
  /** The stream whose copy this is. On a side that a switch has left: the way back, the only one that may change it. */
  follows: string | null;
  /** Settings taken over from the source, on top of the plan's. */
  settings: Record<string, string>;
  /** Settings that a migration changed here for its time, with the values they had. */
  changed: Record<string, string>;
  /** The users that were shut out, and come in again with `letIn`. */
  sealed: string[];
  /** Settings of a server in a container that are others while it is a copy, with the values they had. */
  ofItsOwn: Record<string, string>;
  /** On a server that Storky does not run: the app's account, where a move made it. */
  made?: string;
  /** Of every migration that follows from here. */
  tickets: Record<string, Ticket>;
}

type Folder = Pick<DatabaseInstance, 'folder'>;

const pathOf = ({ folder }: Folder) => join(folder, 'memory.json');
const nothing = (): Memory => ({
  ...{ role: null, follows: null, sealed: [] },
  ...{ settings: {}, changed: {}, ofItsOwn: {}, tickets: {} },
});

export function recall(instance: Folder): Memory {
  return { ...nothing(), ...readJson<Memory>(pathOf(instance)) };
}

/** A switch has left this side: only the way back may change it (invariant 6). */
export const wasLeft = ({ role }: Pick<Memory, 'role'>): boolean => role === 'sealed' || role === 'returning';

/** What is here is another server's, or will be at once: if it is lost, it is copied again. */
export const isCopy = (memory: Pick<Memory, 'role' | 'follows'>): boolean =>
  memory.role === 'standby' || (wasLeft(memory) && memory.follows !== null);

/** Durable when it returns. Synchronous, so that no other change comes between. */
export function remember(instance: Folder, change: (memory: Memory) => void): void {
  const memory = recall(instance);
  const before = JSON.stringify(memory);
  change(memory);
  if (JSON.stringify(memory) !== before) writeJsonAtomic(pathOf(instance), memory);
}

/** Storky has to do with it no more. */
export function forget(instance: Folder): void {
  rmSync(pathOf(instance), { force: true });
}

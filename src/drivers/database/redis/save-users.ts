import { log } from '../../../base/log.ts';
import type { DatabaseInstance } from '../contract.ts';
import { ask, type Client } from './wire/connect.ts';

/** A file of users that Storky has given it. That of a container is its owner's alone. */
export const keepsUsers = ({ external, guest }: DatabaseInstance): boolean => !external && !guest;

/** For after a restart too. A server that Storky does not run may have no file of users: then its own start decides who there is. */
export async function saveUsers(instance: DatabaseInstance, client: Client): Promise<void> {
  if (instance.guest) return;
  const saved = ask(client, 'ACL', 'SAVE');
  if (!instance.external) return void (await saved);
  await saved.catch((error: Error) =>
    log.warn({ addon: instance.addon, detail: error.message }, 'users are not saved'),
  );
}

import type { DatabaseInstance } from '../contract.ts';
import { isOurUser } from './names.ts';
import { keepsUsers, saveUsers } from './save-users.ts';
import { recall, remember } from './server/memory.ts';
import { mayLogIn, nameIn } from './surroundings.ts';
import { ask, askAll, type Client, type Command } from './wire/connect.ts';

/**
 * Nobody but Storky may log in, and who was, is sent away. In the file of users, so it outlives this process and a restart of
 * the server. Who is shut out is remembered first. Answers with the commands, which the caller gives in one transaction.
 */
export function shutOut(instance: DatabaseInstance, lines: string[]): Command[] {
  const isOurs = (name: string) => isOurUser(name) || name === instance.adminUser;
  const names = lines.filter((line) => mayLogIn(line) && !isOurs(nameIn(line))).map(nameIn);
  remember(instance, ({ sealed }) => {
    for (const name of names) if (!sealed.includes(name)) sealed.push(name);
  });
  const off = names.map((name): Command => ['ACL', 'SETUSER', name, 'off']);
  const away = names.map((name): Command => ['CLIENT', 'KILL', 'USER', name]);
  return [...off, ...away, ...(keepsUsers(instance) ? [['ACL', 'SAVE']] : [])];
}

/** Everybody who could log in before. Idempotent, from any state. */
export async function letIn(instance: DatabaseInstance, client: Client): Promise<void> {
  const { sealed } = recall(instance);
  if (sealed.length === 0) return;
  const there = new Set((await ask<string[]>(client, 'ACL', 'LIST')).map(nameIn));
  const names = sealed.filter((name) => there.has(name));
  await askAll(
    client,
    names.map((name): Command => ['ACL', 'SETUSER', name, 'on']),
  );
  await saveUsers(instance, client);
  remember(instance, (memory) => {
    memory.sealed = [];
  });
}

import type { DatabaseInstance } from '../../contract.ts';
import { letIn, shutOut } from '../doors.ts';
import { nowhere } from '../names.ts';
import { recall, remember, wasLeft } from '../server/memory.ts';
import { ask, atomically, type Client } from '../wire/connect.ts';
import { persistAsTheApp } from './durable.ts';

/**
 * A replica refuses every writer but its stream. One without a source replicates from nowhere: it keeps what it has,
 * answers who reads, and refuses likewise. Durable first, so that a restart at any moment comes up refusing. Idempotent;
 * what a switch has opened stays open, and what one has sealed lets readers in.
 */
export async function refuseWrites(instance: DatabaseInstance, client: Client): Promise<void> {
  const { role } = recall(instance);
  if (role === 'active') return;
  remember(instance, (memory) => {
    memory.role = wasLeft(memory) ? 'returning' : 'standby';
  });
  const [kind] = await ask<[string]>(client, 'ROLE');
  if (kind === 'master') await replicateFrom(client, nowhere);
  await letIn(instance, client);
}

/** Open to writers, for those too who are connected already. Durable first: nothing may copy over it from here on. */
export async function allowWrites(instance: DatabaseInstance, client: Client): Promise<void> {
  remember(instance, (memory) => {
    memory.role = 'active';
    memory.follows = null;
  });
  await ask(client, 'REPLICAOF', 'NO', 'ONE');
  await persistAsTheApp(instance, client);
  await letIn(instance, client);
}

/** The end of following. A copy that was given up is a server as any other; what a switch has left is sealed again. */
export async function endFollowing(instance: DatabaseInstance, client: Client): Promise<void> {
  const { role } = recall(instance);
  if (role === 'active') {
    await forgetSource(client);
  } else if (role === 'sealed' || role === 'returning') {
    await replicateFrom(client, nowhere);
    await forgetSource(client);
    await atomically(client, shutOut(instance, await ask<string[]>(client, 'ACL', 'LIST')));
    remember(instance, (memory) => {
      memory.role = 'sealed';
      memory.follows = null;
    });
  } else {
    await ask(client, 'REPLICAOF', 'NO', 'ONE');
    await forgetSource(client);
    remember(instance, (memory) => {
      memory.role = null;
      memory.follows = null;
    });
    await persistAsTheApp(instance, client);
  }
}

export async function replicateFrom(client: Client, { host, port }: { host: string; port: number }): Promise<void> {
  await ask(client, 'REPLICAOF', host, port);
}

async function forgetSource(client: Client): Promise<void> {
  await ask(client, 'CONFIG', 'SET', 'masteruser', '', 'masterauth', '');
}

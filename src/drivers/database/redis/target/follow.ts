import { setTimeout as sleep } from 'node:timers/promises';
import { StorkyError } from '../../../../protocol/errors.ts';
import type { Report, SourceEndpoint } from '../../../store.ts';
import type { DatabaseInstance } from '../../contract.ts';
import { nowhere } from '../names.ts';
import { byLine, lineOf } from '../server/binaries.ts';
import { recall, remember, wasLeft } from '../server/memory.ts';
import { refused } from '../server/server.ts';
import type { Ticket } from '../ticket.ts';
import { ask, type Client } from '../wire/connect.ts';
import { type Info, infoOf, keyspaceOf } from '../wire/info.ts';
import { writeThrough } from './durable.ts';
import { replicateFrom } from './standby.ts';

/** Copies that may be begun in one go: a server that ends each of them would begin another for ever. */
const mostCopies = 3;
/** Without stream or copy for so long, the link is lost. */
const patienceMs = 30_000;

/**
 * Makes this server a replica of the source and waits until the stream runs. How much has to be copied is between the two:
 * nothing after a short cut, everything where the backlog does not reach back. Throws `link_lost` after 30 s without link.
 */
export async function followSource(
  instance: DatabaseInstance,
  client: Client,
  ticket: Ticket,
  from: Pick<SourceEndpoint, 'host' | 'port'>,
  report: Report,
  signal: AbortSignal,
): Promise<void> {
  remember(instance, (memory) => {
    if (!wasLeft(memory)) memory.role = 'standby';
    memory.follows = ticket.migration;
  });
  await writeThrough(instance, client);
  const now = await infoOf(client, 'replication');
  const same = now.master_host === from.host && Number(now.master_port) === from.port;
  if (!same || now.master_link_status !== 'up') {
    await ask(client, 'CONFIG', 'SET', 'masteruser', ticket.user, 'masterauth', ticket.password);
    await replicateFrom(client, from);
  }
  await streamRuns(client, report, signal);
}

/** @throws StorkyError engine_refused where a copy would destroy what a switch opened or left, or could not be read */
export async function assertMayFollow(instance: DatabaseInstance, client: Client, ticket: Ticket): Promise<void> {
  const memory = recall(instance);
  if (memory.role === 'active')
    throw refused('a switch has opened this database: nothing is copied over it', 'Switch in the other direction.');
  if (wasLeft(memory) && memory.follows !== ticket.migration)
    throw refused(
      'a switch has left this database: it follows nothing but the way back',
      'Switch in the other direction.',
    );
  await assertReadable(client, ticket);
}

/** @throws StorkyError engine_refused where a copy of the other server could not be read by this one */
export async function assertReadable(client: Client, ticket: Ticket): Promise<void> {
  const { redis_version: version } = await infoOf(client, 'server');
  if (byLine(lineOf(version!), lineOf(ticket.version)) < 0)
    throw refused(
      `this server is ${version}, older than the source's ${ticket.version}, whose snapshots it cannot read`,
      'Install that version here.',
    );
}

async function streamRuns(client: Client, report: Report, signal: AbortSignal): Promise<void> {
  let copies = 0;
  let copying = false;
  let heardAt = performance.now();
  for (;;) {
    signal.throwIfAborted();
    const info = await infoOf(client, 'replication', 'persistence');
    if (info.master_link_status === 'up') return;
    const busy = info.master_sync_in_progress === '1' || info.loading === '1';
    if (busy) {
      heardAt = performance.now();
      tell(info, report);
    }
    if (busy && !copying && ++copies > mostCopies) throw await giveUp(client);
    copying = busy;
    if (performance.now() - heardAt > patienceMs)
      throw new StorkyError('link_lost', { region: 'the target', peer: 'the source', detail: 'no stream came' });
    await sleep(20);
  }
}

function tell(info: Info, report: Report): void {
  const loading = info.loading === '1';
  const done = Number(loading ? info.loading_loaded_bytes : info.master_sync_read_bytes);
  const total = Number(loading ? info.loading_total_bytes : info.master_sync_total_bytes);
  report({ done, total: total > 0 ? total : null, unit: 'bytes', note: loading ? 'load' : 'copy' });
}

async function giveUp(client: Client): Promise<StorkyError> {
  await replicateFrom(client, nowhere);
  return refused(
    `the copy broke off ${mostCopies} times, before the stream could begin`,
    'Look at the log of the source; raise a limit of the copy with `migration-limit`, move at a quieter time, or raise its client-output-buffer-limit for replicas.',
  );
}

/** What is here now. */
export async function contents(client: Client): Promise<{ bytes: number; items: number }> {
  const info = await infoOf(client, 'memory', 'keyspace');
  return {
    bytes: Number(info.used_memory_dataset),
    items: keyspaceOf(info).reduce((sum, { keys }) => sum + keys, 0),
  };
}

/** Throws `link_lost` when the stream stays away for 5 s. */
export async function assertStreams(client: Client): Promise<void> {
  for (const end = Date.now() + 5_000; ; await sleep(100)) {
    const info = await infoOf(client, 'replication');
    if (info.role === 'slave' && info.master_link_status === 'up') return;
    if (Date.now() < end) continue;
    const seconds = info.master_link_down_since_seconds;
    const detail = info.role === 'slave' ? `the stream has been away for ${seconds} s` : 'it does not follow';
    throw new StorkyError('link_lost', { region: 'the target', peer: 'the source', detail });
  }
}

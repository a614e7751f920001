import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DatabaseInstance } from '../../contract.ts';
import { may } from '../external/refusals.ts';
import { recall, remember } from '../server/memory.ts';
import { ask, type Client } from '../wire/connect.ts';
import { type Info, infoOf } from '../wire/info.ts';

const megabyte = 1024 ** 2;
const sampleMs = 100;

/** A cut of this length is mended from the backlog, without a new copy. */
const outageSeconds = 60;
/** A slow link; a faster one only makes the sizes safer. A limit that the user has set may be slower still. */
const slowLink = 20 * megabyte;
/** For a moment with more writes than the one that was measured. */
const margin = 2;

/**
 * What a replica must be allowed to fall behind while it is copied and while its link is cut. Too small a backlog, or too
 * small a buffer, ends every copy before it is complete, and the next one begins: for ever, on a busy server.
 */
export function streamRoom(
  bytesPerSecond: number,
  datasetBytes: number,
  freeMemory: number,
  copyLimit: number | null = null,
): number {
  const seconds = datasetBytes / Math.min(slowLink, copyLimit ?? slowLink) + outageSeconds;
  const wanted = Math.max(32 * megabyte, margin * bytesPerSecond * seconds);
  return Math.round(Math.min(wanted, Math.max(32 * megabyte, freeMemory / 4)));
}

/** The other way round, bytes a second: in a copy that is slower, what is written meanwhile takes more than this room. */
export function slowestCopy(bytesPerSecond: number, datasetBytes: number, room: number): number {
  const seconds = room / (margin * bytesPerSecond) - outageSeconds;
  return datasetBytes / Math.max(seconds, datasetBytes / slowLink);
}

/**
 * Makes room for the time of a migration, whose copy takes as long as its limit makes it (bytes a second); never less than
 * what is set already. `giveBack` restores it. Idempotent.
 */
export async function makeRoom(instance: DatabaseInstance, client: Client, copyLimit: number | null): Promise<void> {
  // Sized by who runs it, where that is not changed.
  if (instance.external && !(await may(client, ['CONFIG', 'GET', 'save'], ['CONFIG', 'SET', 'timeout', 0]))) return;
  const { info, rate } = await sampled(client);
  const free = instance.external ? freeThere(info) : freeMemoryBytes();
  const sizeFor = (limit: number | null) => streamRoom(rate, Number(info.used_memory), free, limit);
  const { 'repl-backlog-size': backlog, 'client-output-buffer-limit': limits } = await settingsOf(client, [
    'repl-backlog-size',
    'client-output-buffer-limit',
  ]);
  if (instance.guest) await streamAtOnce(instance, client);
  // The backlog is for cuts, however long the copy takes.
  if (Number(backlog) < sizeFor(null))
    await change(instance, client, 'repl-backlog-size', String(sizeFor(null)), backlog!);
  const [hard, room] = [hardLimit(limits!), sizeFor(copyLimit)];
  if (hard !== 0 && (hard < room || / slave \d+ [1-9]/.test(` ${limits}`)))
    await change(instance, client, 'client-output-buffer-limit', `replica ${Math.max(hard, room)} 0 0`, limits!);
}

/** As with servers of Storky's own: a copy goes from memory to the stream, and leaves no file in the container's volume. */
async function streamAtOnce(instance: DatabaseInstance, client: Client): Promise<void> {
  const wanted = { 'repl-diskless-sync': 'yes', 'repl-diskless-sync-delay': '0' };
  const now = await settingsOf(client, Object.keys(wanted));
  for (const [name, value] of Object.entries(wanted))
    if (now[name] !== value) await change(instance, client, name, value, now[name]!);
}

/** Of what a replica may fall behind, bytes; 0: none. */
const hardLimit = (limits: string): number => Number(/slave (\d+)/.exec(limits)?.[1] ?? 0);

/** Asked by the target, of the source as it is; 0 where that does not tell what it keeps, or has no limit. */
export async function slowestCopyFrom(source: Client): Promise<number> {
  const settings = await settingsOf(source, ['client-output-buffer-limit']).catch(() => undefined);
  const room = hardLimit(settings?.['client-output-buffer-limit'] ?? '');
  if (room === 0) return 0;
  const { info, rate } = await sampled(source);
  return slowestCopy(rate, Number(info.used_memory), room);
}

async function sampled(client: Client): Promise<{ info: Info; rate: number }> {
  const before = await infoOf(client);
  await sleep(sampleMs);
  return { info: before, rate: writeRate(before, await infoOf(client), sampleMs) };
}

/** What is written cannot be more than what comes in and what scripts make of it; the stream itself, once there is one, tells. */
function writeRate(before: Info, after: Info, ms: number): number {
  const grown = (name: string) => Math.max(0, Number(after[name] ?? 0) - Number(before[name] ?? 0));
  const now = (1000 / ms) * Math.max(grown('total_net_input_bytes'), grown('master_repl_offset'));
  const ever = Number(after.total_net_input_bytes) / Math.max(1, Number(after.uptime_in_seconds));
  return Math.max(now, ever);
}

/** Of another host only the server's own words are known. */
const freeThere = ({ total_system_memory, used_memory_rss }: Info) =>
  Math.max(0, Number(total_system_memory ?? 0) - Number(used_memory_rss ?? 0));

export function freeMemoryBytes(): number {
  const kilobytes = /MemAvailable:\s+(\d+)/.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1];
  return Number(kilobytes ?? 0) * 1024;
}

export async function settingsOf(client: Client, names: readonly string[]): Promise<Record<string, string>> {
  const pairs = await ask<string[]>(client, 'CONFIG', 'GET', ...names);
  return Object.fromEntries(names.map((name) => [name, pairs[pairs.indexOf(name) + 1]!]));
}

/** The value to go back to is durable before the setting is changed. */
async function change(
  instance: DatabaseInstance,
  client: Client,
  name: string,
  value: string,
  before: string,
): Promise<void> {
  remember(instance, ({ changed }) => {
    changed[name] ??= before;
  });
  await ask(client, 'CONFIG', 'SET', name, value);
}

/** Every setting that a migration changed gets its value back. Idempotent. */
export async function giveBack(instance: DatabaseInstance, client: Client): Promise<void> {
  for (const [name, value] of Object.entries(recall(instance).changed)) {
    await ask(client, 'CONFIG', 'SET', name, value);
    remember(instance, ({ changed }) => {
      delete changed[name];
    });
  }
}

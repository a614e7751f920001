import { readFileSync } from 'node:fs';

/**
 * The kernel drops events when its queue is full, and libuv does not say so. But a queue that was full is read out in one
 * go, as all watches of a process share one queue: so at least `max_queued_events` callbacks follow each other without an
 * idle tick. We count, over all trees, and stop trusting the hints at a quarter of that.
 */
const limit = Math.max(64, Math.floor(sysctl('max_queued_events', 16384) / 4));
const listeners = new Set<() => void>();
let count = 0;

export function countEvent(): void {
  if (count++ === 0) setImmediate(() => (count = 0));
  if (count === limit) for (const lost of listeners) lost();
}

export function onFlood(lost: () => void): () => void {
  listeners.add(lost);
  return () => listeners.delete(lost);
}

export function sysctl(name: string, otherwise: number): number {
  try {
    return Number(readFileSync(`/proc/sys/fs/inotify/${name}`, 'utf8')) || otherwise;
  } catch {
    return otherwise;
  }
}

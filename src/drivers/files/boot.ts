import { readFileSync } from 'node:fs';

/** Another one after every start of the machine: what was written before it may not have reached the disk. */
export function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return 'unknown';
  }
}

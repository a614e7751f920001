/**
 * V8 collects young garbage when a megabyte of objects has come together, and counts a buffer's object alone, not its bytes:
 * of chunks of 64 KiB that pass through, 40 to 80 MB lie about until then. Whoever passes chunks on says so here, and what
 * they were is collected after every few megabytes.
 */
const everyBytes = 8 * 1024 * 1024;

let collect: (() => void) | undefined;
let bytesSince = 0;

/** In a process that is to stay small; elsewhere nothing is collected. */
export function collectPassed(by: () => void): void {
  collect = by;
}

export function passed(bytes: number): void {
  bytesSince += bytes;
  if (bytesSince < everyBytes) return;
  bytesSince = 0;
  collect?.();
}

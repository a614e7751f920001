import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/**
 * A folder that is gone when the test has ended. Anybody may look in, since databases run under an account of their own.
 * Outside a test (`beforeAll`, benches) use `unmanagedTempFolder` and its `remove`.
 */
export function tempFolder(name = 'test'): string {
  const { path, remove } = unmanagedTempFolder(name);
  onTestFinished(remove);
  return path;
}

export function unmanagedTempFolder(name = 'test'): { path: string; remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), `storky-${name}-`));
  chmodSync(path, 0o755);
  return { path, remove: () => rmSync(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }) };
}

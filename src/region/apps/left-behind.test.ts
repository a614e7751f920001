import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { spawnForTest } from '../../../test/support/spawned.ts';
import { tempFolder } from '../../../test/support/temp-folder.ts';
import { waitFor } from '../../../test/support/wait-for.ts';
import { endLeftBehind } from './left-behind.ts';

/** As a tool does whose agent was killed: it goes on making its folder. */
const busyIn = (folder: string) =>
  spawnForTest('sh', ['-c', 'while :; do mkdir -p "$1"; date > "$1/file"; done', 'tool', join(folder, 'data')]);

test('a folder that a tool of a killed agent still works in can be taken away, and stays away', async () => {
  const root = tempFolder('left-behind');
  const [half, others] = [join(root, 'half'), join(root, 'half-of-others')];
  for (const folder of [half, others]) mkdirSync(folder);
  busyIn(half);
  busyIn(others);
  await waitFor(() => existsSync(join(half, 'data/file')) && existsSync(join(others, 'data/file')));
  await endLeftBehind(half);
  rmSync(half, { recursive: true });
  await sleep(300);
  expect(existsSync(half)).toBe(false);
  rmSync(join(others, 'data'), { recursive: true, force: true, maxRetries: 50, retryDelay: 1 });
  await waitFor(() => existsSync(join(others, 'data/file'))); // another folder's tool goes on
});

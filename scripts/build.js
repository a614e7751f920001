// Compiles src to dist, from scratch.
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { root, withOurPrograms } from './setup.js';

rmSync(join(root, 'dist'), { recursive: true, force: true });
process.exitCode =
  spawnSync('tsc', ['-p', 'tsconfig.build.json'], { cwd: root, env: withOurPrograms(), stdio: 'inherit' }).status ?? 1;

// Compiles src to dist, from scratch.
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { root, setUpNpmPackages, withOurPrograms } from './setup.js';

// `npm pack` in a fresh clone is the first thing that many do.
if (!setUpNpmPackages()) process.exit(1);

rmSync(join(root, 'dist'), { recursive: true, force: true });
process.exitCode =
  spawnSync('tsc', ['-p', 'tsconfig.build.json'], { cwd: root, env: withOurPrograms(), stdio: 'inherit' }).status ?? 1;

// Every check but the tests, one after the other; all failures are shown, each under the name of its check.
import { spawnSync } from 'node:child_process';
import { root, withOurPrograms } from './setup.js';

const checks = {
  'format and lint': 'biome check',
  types: 'tsc -p .',
  'import direction': 'node scripts/check-imports.js',
  'engine names': 'node scripts/check-engine-names.js',
  'file sizes': 'node scripts/check-file-sizes.js',
  'dead code': 'knip',
  'generated docs': 'node scripts/generate-docs.js --check',
  'links in docs': 'node scripts/check-links.js',
};

const failed = [];
for (const [name, command] of Object.entries(checks)) {
  const started = performance.now();
  const { status, stdout, stderr } = spawnSync(command, {
    shell: true,
    cwd: root,
    env: withOurPrograms(),
    encoding: 'utf8',
  });
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`${status === 0 ? 'ok    ' : 'FAILED'} ${name} (${seconds} s)`);
  if (status !== 0) console.log(`\n$ ${command}\n${stdout}${stderr}`);
  else if (/^node scripts/.test(command)) console.log(stdout.trim().replace(/^/gm, '         '));
  if (status !== 0) failed.push(name);
}
if (failed.length > 0)
  console.log(`\nfailed: ${failed.join(', ')}. \`npm run fix\` mends the formatting and the generated docs.`);
process.exitCode = failed.length > 0 ? 1 : 0;

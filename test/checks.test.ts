import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { projectRoot } from './support/spawned.ts';
import { tempFolder } from './support/temp-folder.ts';

/** A project with our checks and these files. */
function project(files: Record<string, string>): string {
  const folder = tempFolder('checks');
  cpSync(join(projectRoot, 'scripts'), join(folder, 'scripts'), { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  execFileSync('git', ['init', '-q'], { cwd: folder });
  return folder;
}

function check(name: string, files: Record<string, string>) {
  const { status, stdout } = spawnSync(process.execPath, [`scripts/${name}.js`], {
    cwd: project(files),
    encoding: 'utf8',
  });
  return { status, lines: stdout.trim().split('\n').toSorted() };
}

test('imports: the wrong way, between strangers, in a circle, without a rule', () => {
  const result = check('check-imports', {
    'src/base/a.ts': "import type { B } from '../region/b.ts';",
    'src/workflow/a.ts':
      "import {\n  step,\n} from '../migration/step.ts';\nimport { e } from '../protocol/errors.ts';",
    'src/region/source/a.ts': "export * from '../target/b.ts';",
    'src/region/target/b.ts': "const a = await import('../../control/c.ts');",
    'src/drivers/database/one/a.ts': "import '../two/b.ts';\nimport '../one/c.ts';\nimport '../contract.ts';",
    'src/router/a.ts': "import { b } from './b.ts';",
    'src/router/b.ts': "import { a } from './a.ts';",
    'src/router/c.ts': "import { d } from './d.ts';",
    'src/router/d.ts': "import type { c } from './c.ts';",
    'src/router/e.test.ts': "import { anything } from '../cli/main.ts';",
    'src/new/a.ts': "import './b.ts';",
  });
  expect(result.status).toBe(1);
  expect(result.lines).toEqual([
    'in a circle: src/router/a.ts → src/router/b.ts → src/router/a.ts',
    'src/base/a.ts imports src/region/b.ts: base may import base, protocol',
    expect.stringContaining('src/drivers/database/one/a.ts imports src/drivers/database/two/b.ts: an engine'),
    'src/new/a.ts imports src/new/b.ts: there is no rule for new in scripts/layers.js',
    expect.stringContaining('src/region/source/a.ts imports src/region/target/b.ts: what may be done'),
    expect.stringContaining('src/region/target/b.ts imports src/control/c.ts: region may import'),
    expect.stringContaining('src/workflow/a.ts imports src/migration/step.ts: workflow may import'),
  ]);
});

test('engine names: only in the engine’s folder', () => {
  const result = check('check-engine-names', {
    'src/drivers/database/mysql/engine.ts': "export const name = 'mysql';",
    'src/region/stores.ts': "const fine = 'page';\nif (engine === 'postgres') copy();",
  });
  expect(result).toEqual({
    status: 1,
    lines: ["src/region/stores.ts:2: names an engine: if (engine === 'postgres') copy();"],
  });
});

test('file sizes: the ceiling, and the median of src', () => {
  const lines = (count: number) => 'x\n'.repeat(count);
  expect(check('check-file-sizes', { 'src/a.ts': lines(10), 'test/b.ts': lines(301) }).lines).toEqual([
    'test/b.ts: 301 lines, more than 300',
  ]);
  expect(check('check-file-sizes', { 'src/a.ts': lines(81), 'src/b.ts': lines(90), 'src/c.ts': lines(3) }).status).toBe(
    1,
  );
  expect(check('check-file-sizes', { 'src/a.ts': lines(80) }).status).toBe(0);
});

test('links: files, headings, paths in backticks, and titles of tests', () => {
  const good = 'See [b](docs/b.md#some-heading-2) and `docs/b.md`, not [out](https://example.org/x).';
  const bad = '[a](nope.md) [b](docs/b.md#other) `src/nope/` `not/checked`';
  const b = '## Some heading 2\n';
  expect(check('check-links', { 'A.md': good, 'docs/b.md': b }).status).toBe(0);
  expect(check('check-links', { 'A.md': bad, 'docs/b.md': b }).lines).toEqual([
    'A.md: docs/b.md#other: no such heading',
    'A.md: nope.md leads nowhere',
    'A.md: there is no src/nope/',
  ]);
  const titles = {
    'A.md': "[b](b.test.ts) “one” and, as [b](b.test.ts) “two”, “it's”",
    'b.test.ts': String.raw`it('one'); it('it\'s')`,
  };
  expect(check('check-links', titles).lines).toEqual(['A.md: there is no “two” in b.test.ts']);
});

test('the last line of CI is what the runner’s report says', () => {
  const folder = tempFolder('report');
  const file = (status: string, assertions: string[]) => ({
    status,
    assertionResults: assertions.map((s) => ({ status: s })),
  });
  const report = { numPassedTests: 3, numFailedTests: 1, numPendingTests: 0 };
  const broken = [file('failed', ['failed']), file('failed', []), file('passed', ['passed'])];
  writeFileSync(join(folder, 'r.json'), JSON.stringify({ ...report, testResults: broken }));
  const summary = (path: string) =>
    spawnSync(process.execPath, [`${projectRoot}scripts/summary.js`, path], { encoding: 'utf8' });
  expect(summary(join(folder, 'r.json')).stdout.trim().split('\n').at(-1)).toBe('3 passed, 2 failed');
  expect(summary(join(folder, 'none.json')).status).toBe(1);
});

// An engine's name appears in its own folder only. What else in src may say one is listed here, with the reason.
import { conclude, modules, textOf } from './sources.js';

const names = /postgres|pglite|mysql|mariadb|redis|\bpg\b/i;

const allowed = {
  'src/drivers/database/engines.ts': 'the list of engines has to name them',
  'src/control/state/': "the control plane keeps its own state in PostgreSQL; no app's database is meant",
  'src/control/server.ts': 'the option with the address of that state',
  'src/workflow/': 'the same state: the journal of the workflows',
  'src/cli/commands/server': 'the option with the address of that state',
  'src/cli/enrol/program.ts': 'packages that only the server needs are left out by name',
  'src/base/account.ts': 'the comment says why servers run under an account of their own',
};

const files = modules();
const outside = files.filter(
  (path) =>
    !/^src\/drivers\/database\/[^/]+\//.test(path) && !Object.keys(allowed).some((prefix) => path.startsWith(prefix)),
);
const problems = outside.flatMap((path) =>
  textOf(path)
    .split('\n')
    .flatMap((line, i) => (names.test(line) ? [`${path}:${i + 1}: names an engine: ${line.trim()}`] : [])),
);
conclude(problems, `no engine is named in ${outside.length} modules outside the engines' folders`);

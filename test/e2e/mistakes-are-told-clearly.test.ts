import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { ErrorCode } from '../../src/protocol/errors.ts';
import { runStorky } from '../support/spawned.ts';
import { openSmallApp } from './stage/small-app.ts';
import { Stage } from './stage/stage.ts';

const manifestWithMistake = `name: note
processes:
  web:
    command: node web.cjs
    size: S

files:
  - { name: data, path: data }

settings:
  routerLogs: true
  stickySessions: maybe
`;

interface Told {
  code: ErrorCode;
  exit?: number;
  what: RegExp;
  remedy: RegExp;
}

it('a mistake is refused with its code and its remedy, in words and as JSON, and changes nothing', async () => {
  const stage = await Stage.set();
  await openSmallApp(stage, stage.west, 'note', 'files: [{ name: data, path: data }]\n');
  const storky = (args: string[], env = {}) => runStorky([...args, '--yes'], { env: { ...stage.env, ...env } });
  const done = async (...args: string[]) => {
    const { code, stdout, output } = await storky([...args, '--json']);
    expect(code, output).toBe(0);
    return JSON.parse(stdout.trim().split('\n').at(-1)!) as { id: string; status: string };
  };
  /** Both forms of the same refusal. */
  const refused = async (args: string[], { code, exit = 1, what, remedy }: Told, env = {}) => {
    const [words, json] = await Promise.all([storky(args, env), storky([...args, '--json'], env)]);
    expect([words.code, json.code], words.output + json.output).toEqual([exit, exit]);
    expect(words.output).toMatch(what);
    expect(words.output).toMatch(remedy);
    expect(words.output).not.toMatch(/\{\w+\}|undefined|\[object|\n\s+at /);
    const report = JSON.parse(json.stdout.trim().split('\n').at(-1)!) as Record<string, string>;
    expect(report).toMatchObject({ code, what: expect.stringMatching(what), remedy: expect.stringMatching(remedy) });
  };
  const migration = (verb: string, ...rest: string[]) => ['--app', 'note', `migration-${verb}`, ...rest];

  const create = migration('create', '--to', 'nowhere');
  await refused(create, { code: 'unknown_region', what: /no region named nowhere/, remedy: /storky regions/ });
  await refused(['--region', 'nowhere', 'apps'], { code: 'unknown_region', what: /nowhere/, remedy: /storky regions/ });
  await refused(
    ['apps'],
    { code: 'unauthorized', exit: 4, what: /does not know this token/, remedy: /storky login/ },
    { STORKY_TOKEN: 'sty_wrong' },
  );
  const file = join(stage.folder, 'note', 'mistake.yaml');
  writeFileSync(file, manifestWithMistake);
  const apply = ['--region', 'west', 'apply', '-f'];
  await refused([...apply, file], { code: 'bad_manifest', what: /mistake\.yaml:12: /, remedy: /line 12/ });
  for (const id of [randomUUID(), 'no-id'])
    await refused(migration('follow', id), { code: 'unknown_migration', what: RegExp(id), remedy: /migrations/ });

  const { id } = await done(...migration('create', '--to', 'east'));
  const wrong = (phase: string, next: RegExp): Told => ({ code: 'wrong_phase', what: RegExp(phase), remedy: next });
  await refused(migration('create', '--to', 'east'), {
    code: 'migration_in_progress',
    what: RegExp(id),
    remedy: RegExp(`migration-follow ${id}`),
  });
  await refused(migration('run', '--data', id), wrong('data', RegExp(`migration-run --prepare ${id}`)));
  await refused(migration('run', '--finalize', id), wrong('finalize', RegExp(`migration-run --prepare ${id}`)));
  await done(...migration('run', '--prepare', id));
  await refused(migration('run', '--finalize', id), wrong('finalize', RegExp(`migration-run --data ${id}`)));

  const locked: Told = { code: 'app_locked', what: RegExp(`being migrated \\(${id}\\)`), remedy: /migration-abort/ };
  const note = ['--region', 'west', '--app', 'note'];
  await refused([...apply, join(stage.folder, 'note', 'storky.yaml')], locked);
  await refused([...note, 'scale', 'web:2'], locked);
  await refused([...note, 'env', 'A=b'], locked);
  await refused([...note, 'stop'], locked);
  await refused([...note, 'remove'], locked);
  await refused(['regions-remove', 'east'], { code: 'region_in_use', what: RegExp(id), remedy: /first/ });

  await done(...migration('run', '--data', id));
  await refused(migration('run', '--prepare', id), wrong('prepare', RegExp(`migration-run --finalize ${id}`)));
  await done(...migration('run', '--finalize', id));
  await refused(migration('run', '--finalize', id), wrong('finalize', /migration-rollback/));
  await refused(migration('abort', id), wrong('abort', /migration-rollback/));
  await done(...migration('complete', id));
  await refused(migration('run', '--finalize', id), wrong('finalize', /Create another/));
  await refused(migration('abort', id), wrong('abort', /Create another/));
  expect((await stage.api.apps.get({ app: 'note', region: 'east' })).record.environment).toEqual({});
});

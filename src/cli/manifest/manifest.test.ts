import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { StorkyError } from '../../protocol/errors.ts';
import { readManifest } from './read.ts';

const folder = mkdtempSync(join(tmpdir(), 'storky-manifest-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function read(yaml: string) {
  writeFileSync(join(folder, 'storky.yaml'), yaml);
  return readManifest('storky.yaml', folder).record;
}

function mistakesIn(yaml: string): string[] {
  try {
    read(yaml);
  } catch (error) {
    const { code, message } = error as StorkyError;
    expect(code).toBe('bad_manifest');
    return message.split('\n');
  }
  throw new Error('the manifest was accepted');
}

test('a good one becomes the app record, with every default', () => {
  const record = read('name: shop\nprocesses:\n  web:\n    command: node web.js\n');
  expect(record).toMatchObject({ name: 'shop', processes: { web: { amount: 1, size: 'M' } }, domains: [] });
});

test('a mistake in line 12 names line 12', () => {
  const yaml = `name: shop
source:
  type: directory
  path: .

# The processes.
processes:
  web:
    command: node web.js
    amount: 2
    health:
      path: health
      timeoutSeconds: 5
`;
  expect(mistakesIn(yaml)).toEqual(['storky.yaml:12: processes.web.health.path: Invalid string: must start with "/"']);
});

test('every mistake is named at once, in the order of the lines', () => {
  const yaml = `name: Shop
procesess:
  web: {}
addons:
  - name: db
    engine: postgres
    version: 15
  - name: db
    engin: redis
domains:
  - name: shop.example
    certificate: abc
`;
  expect(mistakesIn(yaml)).toEqual([
    'storky.yaml:1: name: 2 to 48 of a-z, 0-9 and -, not at an end',
    'storky.yaml:2: procesess: there is no such key; did you mean processes?',
    'storky.yaml:7: addons[0].version: must be text: write it in quotes, "15"',
    'storky.yaml:8: addons[1].engine: is missing',
    'storky.yaml:9: addons[1].engin: there is no such key; did you mean engine?',
    'storky.yaml:11: domains[0]: a certificate needs its key, and a key its certificate',
  ]);
});

describe('unknown keys', () => {
  test.each([
    [
      'name: shop\nsettings:\n  forceHttp: true',
      'storky.yaml:3: settings.forceHttp: there is no such key; did you mean forceHttps?',
    ],
    [
      'name: shop\nsource:\n  type: git\n  repository: x\n  brnach: main',
      'storky.yaml:5: source.brnach: there is no such key; did you mean branch?',
    ],
    [
      'name: shop\nprocesses:\n  web:\n    comand: x',
      'storky.yaml:4: processes.web.comand: there is no such key; did you mean command?',
    ],
    [
      'name: shop\nchecks:\n  zzz: x',
      'storky.yaml:3: checks.zzz: there is no such key; known are pendingMigrations, smokePaths',
    ],
  ])('%j', (yaml, mistake) => {
    expect(mistakesIn(yaml)).toContain(mistake);
  });
});

describe('references', () => {
  test('to a notifier and a process type that do not exist', () => {
    const yaml = 'name: shop\nalerts:\n  - processType: web\n    metric: cpu\n    limit: 0.9\n    notifiers: [team]\n';
    expect(mistakesIn(yaml)).toEqual([
      'storky.yaml:3: alerts[0].processType: there is no process type named web',
      'storky.yaml:6: alerts[0].notifiers: there is no notifier named team',
    ]);
  });
});

describe('the environment is text, as it is written', () => {
  test('numbers, truth values, dates and nothing', () => {
    const yaml =
      // biome-ignore lint/suspicious/noTemplateCurlyInString: Storky's own reference, kept raw.
      'name: shop\nenvironment:\n  A: 1.10\n  B: 0o17\n  C: true\n  D:\n  E: 2026-01-02\n  F: "${addons.db.url}"\n  G: 1e3\n';
    expect(read(yaml).environment).toEqual({
      A: '1.10',
      B: '0o17',
      C: 'true',
      D: '',
      E: '2026-01-02',
      // biome-ignore lint/suspicious/noTemplateCurlyInString: as above.
      F: '${addons.db.url}',
      G: '1e3',
    });
  });

  test('a list is a mistake', () => {
    expect(mistakesIn('name: shop\nenvironment:\n  A: [1, 2]\n')).toEqual([
      'storky.yaml:3: environment.A: a variable is one text, not a list or a map',
    ]);
  });

  test('a name that no shell takes is a mistake', () => {
    expect(mistakesIn('name: shop\nenvironment:\n  B: 1\n  A-B: 1\n')[0]).toMatch(
      /^storky\.yaml:4: environment\.A-B: /,
    );
  });
});

describe('what is not YAML', () => {
  test.each([
    ['name: shop\nprocesses:\n  web: {\n', /^storky\.yaml:\d+: /],
    ['name: shop\n\tx: 1\n', /^storky\.yaml:2: /],
    ['name: shop\nname: shop2\n', /^storky\.yaml:2: Map keys must be unique/],
    ['', /^storky\.yaml:1: name: is missing/],
    ['- a\n- b\n', /^storky\.yaml:1: /],
  ])('%j', (yaml, line) => {
    expect(mistakesIn(yaml)[0]).toMatch(line);
  });

  test('a file that is not there', () => {
    expect(() => readManifest('other.yaml', folder)).toThrow('other.yaml:1: there is no such file');
  });
});

describe('secrets of an addon', () => {
  const addon = (address: string) =>
    `name: shop\naddons:\n  - name: db\n    engine: some\n    address: ${address}\n    user: shop\n    password: { file: db.secret }\n`;
  const write = (yaml: string) => writeFileSync(join(folder, 'secret.yaml'), yaml);
  const env = { DB_ADMIN: 'some://admin:secret@host/shop' };

  test('stand in the environment or in a file beside the manifest', () => {
    writeFileSync(join(folder, 'db.secret'), ' well kept \n');
    write(addon('{ env: DB_ADMIN }'));
    expect(readManifest('secret.yaml', folder, env).record.addons).toMatchObject([
      { address: 'some://admin:secret@host/shop', password: 'well kept' },
    ]);
  });

  test('that are not there are told with their place', () => {
    rmSync(join(folder, 'db.secret'));
    write(addon('{ env: NOT_SET }'));
    expect(() => readManifest('secret.yaml', folder, env)).toThrow(
      /secret.yaml:5: addons\[0\].address: NOT_SET is not set/,
    );
    expect(() => readManifest('secret.yaml', folder, env)).toThrow(/7: addons\[0\].password: db.secret cannot be read/);
  });

  test('user and password go together, and with an address', () => {
    write('name: shop\naddons:\n  - { name: db, engine: some, user: shop }\n');
    expect(() => readManifest('secret.yaml', folder)).toThrow(/user and password go together, and with an address/);
  });
});

import {
  chmodSync,
  chownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { freePort } from '../../src/base/free-port.ts';
import type { AppRecord } from '../../src/protocol/app-record/record.ts';
import { copyOfShop } from '../support/shop.ts';
import { runStorky } from '../support/spawned.ts';
import { areServed } from './stage/followed-shop.ts';
import { create, through } from './stage/move.ts';
import type { Region } from './stage/region.ts';
import { selfSigned } from './stage/self-signed.ts';
import { closeTheLedger, visit } from './stage/shop.ts';
import { Stage } from './stage/stage.ts';

it('every part of the app record and of its files is over there as it was here, certificates in use, secrets and all', async () => {
  const https = { west: await freePort(), east: await freePort() };
  const stage = await Stage.set({
    region: (name) => ({ args: ['--https-port', String(https[name as 'west' | 'east'])] }),
  });
  const { west, east } = stage;
  const certificate = await selfSigned('www.shop.example');
  await openCertifiedShop(stage, certificate);
  decorate(west.treeFolder('shop', 'uploads'));
  const visitors = visit(west);
  await areServed(visitors);

  const { id, report } = await create(stage);
  expect(report.checks.find((check) => check.id === 'certificates-valid')).toMatchObject({ verdict: 'pass' });
  expect(report.notMoved).toContainEqual(expect.stringMatching(/invited@shop\.example.*pending/));
  const migration = await through(stage, id, 'prepare', 'data', 'finalize');
  expect(migration.status, JSON.stringify(migration.steps.at(-1))).toBe('done');
  await areServed(visitors);
  await closeTheLedger(visitors, east);

  const [here, there] = [recordOf(west), recordOf(east)];
  expect(here.collaborators).toHaveLength(2);
  expect(there).toEqual({ ...here, collaborators: here.collaborators.filter(({ status }) => status === 'accepted') });
  expect(there.environment.DATABASE_URL).toMatch(/^\$\{addons\.db\.url\}$/);
  const names = (region: Region) => {
    const { database, user, password } = region.document('shop').instances[0]!;
    return { database, user, password };
  };
  expect(names(east)).toEqual(names(west));
  expect(treeOf(east.treeFolder('shop', 'uploads'), 'kept')).toEqual(
    treeOf(west.treeFolder('shop', 'uploads'), 'kept'),
  );

  for (const port of [https.west, https.east])
    expect(await overTls(port, 'www.shop.example', certificate.cert)).toMatch(/^HTTP\/1\.1 200 .*x-served-by: east/is);
});

const recordOf = (region: Region): AppRecord =>
  (JSON.parse(readFileSync(join(region.folder, 'apps', 'shop', 'app.json'), 'utf8')) as { record: AppRecord }).record;

async function openCertifiedShop(stage: Stage, { cert, key }: { cert: string; key: string }): Promise<void> {
  const file = join(copyOfShop(join(stage.folder, 'shop')), 'storky.yaml');
  const manifest = parse(readFileSync(file, 'utf8')) as AppRecord;
  manifest.domains = manifest.domains.map((domain) =>
    domain.name === 'www.shop.example' ? { ...domain, certificate: cert, key } : domain,
  );
  manifest.environment.TOKEN = 'a secret with "quotes" and $signs';
  writeFileSync(file, stringify(manifest));
  const { code, output } = await runStorky(['--region', 'west', 'apply', '-f', file, '--yes'], { env: stage.env });
  expect(code, output).toBe(0);
}

/** Files of every kind, under `kept`, which no visitor touches. */
function decorate(root: string): void {
  const folder = join(root, 'kept');
  mkdirSync(join(folder, 'empty'), { recursive: true });
  writeFileSync(join(folder, 'private'), 'p', { mode: 0o600 });
  writeFileSync(join(folder, 'program'), '#!/bin/sh\n');
  chmodSync(join(folder, 'program'), 0o4755);
  writeFileSync(join(folder, 'name with é and\nline'), 'odd');
  symlinkSync('private', join(folder, 'link'));
  linkSync(join(folder, 'private'), join(folder, 'second name'));
  if (process.getuid?.() === 0) chownSync(join(folder, 'name with é and\nline'), 12_345, 23_456);
  chmodSync(join(folder, 'empty'), 0o1770);
  for (const name of ['private', 'program', 'empty']) utimesSync(join(folder, name), 1_000_000_000, 1_234_567_890.123);
}

function treeOf(root: string, under: string): Record<string, unknown>[] {
  const entries = readdirSync(join(root, under), { recursive: true, encoding: 'utf8' }).sort();
  return entries.map((path) => {
    const whole = join(root, under, path);
    const { mode, uid, gid, mtimeMs, size, nlink } = lstatSync(whole);
    const kind =
      (mode & 0o170000) === 0o120000
        ? readlinkSync(whole)
        : (mode & 0o170000) === 0o040000
          ? null
          : readFileSync(whole, 'utf8');
    return {
      path,
      mode: mode.toString(8),
      uid,
      gid,
      mtimeMs: Math.round(mtimeMs),
      size: kind === null ? 0 : size,
      nlink,
      kind,
    };
  });
}

/** One request, trusting that certificate alone. */
function overTls(port: number, servername: string, ca: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect({ host: '127.0.0.1', port, servername, ca }, () =>
      socket.write(`GET /health HTTP/1.1\r\nHost: ${servername}\r\nConnection: close\r\n\r\n`),
    );
    socket.setEncoding('utf8').on('data', (text: string) => {
      answer += text;
    });
    socket.on('end', () => resolve(answer)).on('error', reject);
  });
}

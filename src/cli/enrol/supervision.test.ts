import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { tempFolder } from '../../../test/support/temp-folder.ts';
import type { Facts } from './facts.ts';
import { placesOf } from './places.ts';
import { type Supervision, serviceScript, supervisionFor, unitName, unitText } from './supervision.ts';

const host: Facts = {
  user: 'deploy',
  root: false,
  platform: 'linux',
  architecture: 'x64',
  folder: '/home/deploy/.local/share/storky',
  freeBytes: 1e9,
  systemd: true,
  userServices: false,
  cron: false,
  docker: false,
  dockerSocket: null,
  containers: false,
};

describe('who starts an agent again', () => {
  it('is what survives a reboot, where the account may use one', () => {
    expect(supervisionFor({ ...host, root: true })).toBe('system-service');
    expect(supervisionFor({ ...host, userServices: true, cron: true })).toBe('user-service');
    expect(supervisionFor({ ...host, containers: true, userServices: true })).toBe('container');
    expect(supervisionFor({ ...host, cron: true })).toBe('cron');
    expect(supervisionFor(host)).toBe('none');
    expect(supervisionFor({ ...host, root: true, systemd: false, cron: true })).toBe('cron');
  });

  it.skipIf(spawnSync('systemd-analyze', ['--version']).error)('is a unit that systemd understands', () => {
    const places = placesOf(tempFolder('unit'), 'fr1', 'abc');
    const program = join(places.agent, 'agent.sh');
    mkdirSync(dirname(program), { recursive: true });
    writeFileSync(program, '#!/bin/sh\n');
    chmodSync(program, 0o700);
    const unit = join(places.root, unitName('fr1'));
    writeFileSync(unit, unitText(places, 'multi-user.target'));
    const { status, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', unit], { encoding: 'utf8' });
    expect([status, stderr.split('\n').filter((line) => line.includes(unitName('fr1')))]).toEqual([0, []]);
  });

  it.each(['system-service', 'container', 'user-service', 'cron', 'none'] satisfies Supervision[])(
    'is written in sh: %s',
    (kind) => {
      const script = serviceScript(kind, placesOf("/home/o'neill/storky", 'fr1', 'abc'));
      const { status, stderr } = spawnSync('sh', ['-n'], { input: script, encoding: 'utf8' });
      expect([status, stderr]).toEqual([0, '']);
    },
  );
});

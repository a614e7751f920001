import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ContainerInspectInfo } from 'dockerode';
import { describe, expect, it } from 'vitest';
import { tempFolder } from '../../../../../test/support/temp-folder.ts';
import type { ProjectService } from '../../../../protocol/app-record/project.ts';
import type { StorkyError } from '../../../../protocol/errors.ts';
import { applyKeys } from './apply-keys.ts';
import { readComposeKeys } from './x-storky.ts';

/** Compose's files of one project, and what is read of them: of a container, only Compose's own labels count. */
function project(...texts: string[]) {
  const folder = tempFolder('compose');
  const files = texts.map((text, n) => {
    writeFileSync(join(folder, `${n}.yml`), text);
    return `${n}.yml`;
  });
  const labels = { project: 'shop', 'project.working_dir': folder, 'project.config_files': files.join(',') };
  const Labels = Object.fromEntries(Object.entries(labels).map(([key, value]) => [`com.docker.compose.${key}`, value]));
  return { folder, read: () => readComposeKeys({ Config: { Labels } } as unknown as ContainerInspectInfo) };
}

function refusal(work: () => unknown): StorkyError {
  try {
    work();
  } catch (error) {
    return error as StorkyError;
  }
  throw new Error('nothing was refused');
}

const web = { name: 'web', role: 'web', addon: null, entries: [], dependsOn: [], health: null, rests: false };
const services = [{ ...web, containers: [] }] as ProjectService[];

describe('x-storky in a Compose file', () => {
  it('every mistake is told with its file and line, the first one first', () => {
    const { folder, read } = project(`services:
  web:
    x-storky:
      helth: /health
      health: ready
  worker:
    x-storky: { role: cron }
volumes:
  uploads:
    x-storky:
      carrier: pigeon
`);
    const { code, fields } = refusal(read);
    expect([code, fields.file, fields.line, fields.mistakes]).toEqual(['bad_manifest', join(folder, '0.yml'), 4, 4]);
    const lines = String(fields.detail).split('\n');
    expect(lines[0]).toBe('services.web.x-storky.helth: there is no such key');
    expect(lines[1]).toMatch(/0\.yml:5: services\.web\.x-storky\.health: it is a path, and begins with \/$/);
    expect(lines[2]).toMatch(/0\.yml:7: services\.worker\.x-storky\.role: /);
    expect(lines[3]).toMatch(/0\.yml:11: volumes\.uploads\.x-storky\.carrier: /);
  });

  it('a later file goes before an earlier one; volumes are known by the name that Docker has for them', () => {
    const { folder, read } = project(
      `x-storky: { folders: { ./media: { ignore: [tmp/] } } }
x-usual: &usual { x-storky: { role: worker } }
services: { web: { x-storky: { health: /a } }, mail: { <<: *usual } }
volumes: { data: { x-storky: { carrier: backup } }, named: { name: other, x-storky: { carrier: manual } } }`,
      `services: { web: { x-storky: { health: /b } } }
volumes: { data: {}, shared: { external: true, x-storky: { ignore: ['*.log'] } } }`,
    );
    const keys = read();
    expect(keys.services.get('web')).toMatchObject({ health: '/b', at: { file: join(folder, '1.yml'), line: 1 } });
    expect(keys.services.get('mail')).toMatchObject({ role: 'worker' });
    expect([...keys.volumes.keys()]).toEqual(['shop_data', 'other', 'shared']);
    expect([...keys.folders.keys()]).toEqual([join(folder, 'media')]);
  });

  it('what means nothing where it stands is refused with its line', () => {
    const health = project('services:\n  web:\n    image: shop\n    x-storky: { health: /up }\n').read();
    const refused = refusal(() => applyKeys(health, services, [], {}));
    expect([refused.fields.line, refused.fields.detail]).toEqual([4, expect.stringMatching(/^web answers no HTTP/)]);
    const folder = project('services: {}\nx-storky:\n  folders:\n    /nowhere: {}\n').read();
    const unused = refusal(() => applyKeys(folder, services, [], {}));
    expect([unused.fields.line, unused.fields.detail]).toEqual([4, expect.stringMatching(/^\/nowhere is no folder/)]);
    const carrier = project('services: { web: { x-storky: { carrier: live } } }').read();
    expect(refusal(() => applyKeys(carrier, services, [], {})).fields.detail).toMatch(/^web is no database/);
  });

  it('files without our keys are Compose’s own matter, whatever is in them', () => {
    const keys = project('services: { web: [').read();
    expect([keys.services.size, keys.volumes.size, keys.folders.size]).toEqual([0, 0, 0]);
    expect(refusal(project('x-storky: {}\nservices: { web: [').read).fields.line).toBe(2);
  });
});

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { runStorky } from '../../support/spawned.ts';
import type { Region } from './region.ts';
import type { Stage } from './stage.ts';

/** Says where it runs. */
const web = `
require('node:http')
  .createServer((request, response) => response.end(process.env.REGION_NAME + '/' + process.env.APP))
  .listen(process.env.PORT, '127.0.0.1');
`;

/** An app without dependencies, from the given rest of its manifest; its web process runs `program`. */
export async function openSmallApp(
  stage: Stage,
  region: Region,
  app: string,
  manifest = '',
  program = web,
): Promise<void> {
  const folder = join(stage.folder, app);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'web.cjs'), program);
  const file = join(folder, 'storky.yaml');
  writeFileSync(file, `name: ${app}\nprocesses:\n  web: { command: node web.cjs, size: S }\n${manifest}`);
  const { code, output } = await runStorky(['--region', region.name, 'apply', '-f', file, '--yes'], { env: stage.env });
  expect(code, output).toBe(0);
}

/** Who answers for this host name at the region's router: `region/app`, or the status where nobody does. */
export async function whoAnswers(region: Region, host: string): Promise<string | number> {
  const { request } = await import('undici');
  const { statusCode, body } = await request(region.url, { headers: { host } });
  const text = await body.text();
  return statusCode === 200 ? text : statusCode;
}

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { tempFolder } from '../../../../../test/support/temp-folder.ts';
import { configurationOf } from './configuration.ts';

// What is run in the container is run here.
const guest = { exec: ['sh', '-c', 'shift; exec "$@"', 'sh'], container: 'shop_cache_1', gateway: '127.0.0.1' };
const said = (command: string[], environment: Record<string, string> = {}) =>
  configurationOf({ guest, environment, command });

it('without a word of a password there is none, and the port is the usual one', async () => {
  expect(await said(['docker-entrypoint.sh', 'redis-server'])).toEqual({ port: 6379, passwords: [''] });
});

it('the arguments say the password and the port, also by way of a shell and a variable', async () => {
  const entrypoint = 'docker-entrypoint.sh';
  const plain = [entrypoint, 'redis-server', '--requirepass', "s3cret ' pass", '--port', '7000'];
  expect(await said(plain)).toEqual({ port: 7000, passwords: ["s3cret ' pass", ''] });
  const shell = `redis-server --appendonly yes --requirepass "$SECRET" --port \${PORT}`;
  const environment = { SECRET: "it's a secret", PORT: '7001' };
  expect(await said([entrypoint, 'sh', '-c', shell], environment)).toEqual({
    port: 7001,
    passwords: ["it's a secret", ''],
  });
});

it('a file of settings says them, with the files that it includes; arguments go before it', async () => {
  const folder = tempFolder('settings');
  mkdirSync(join(folder, 'more'));
  const main = join(folder, 'redis.conf');
  writeFileSync(main, `# requirepass not-this\nport 7002\nrequirepass "first"\ninclude ${folder}/more/own.conf\n`);
  writeFileSync(join(folder, 'more/own.conf'), "requirepass 'the second'\n");
  expect(await said(['redis-server', main])).toEqual({ port: 7002, passwords: ['the second', ''] });
  expect((await said(['redis-server', main, '--requirepass', 'third'])).passwords).toEqual(['third', '']);
});

it('a variable of the image says it, or the file that the variable names', async () => {
  const path = join(tempFolder('secret'), 'password');
  writeFileSync(path, 'of a file\n');
  expect(await said(['/run.sh'], { REDIS_PASSWORD: 'of bitnami', REDIS_PORT_NUMBER: '6380' })).toEqual({
    port: 6380,
    passwords: ['of bitnami', ''],
  });
  expect((await said(['/run.sh'], { REDIS_PASSWORD_FILE: path })).passwords).toEqual(['of a file', '']);
});

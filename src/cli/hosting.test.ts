import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { configPath } from './connection/config.ts';
import { User } from './testing/storky.test-support.ts';

let user: User;
let stop: AbortController;
const running: Promise<unknown>[] = [];
beforeEach(() => {
  user = new User();
  stop = new AbortController();
});
afterEach(async () => {
  stop.abort();
  await Promise.all(running.splice(0));
  user[Symbol.dispose]();
});

/** Runs a command that stays, and gives the JSON document that it prints once it is ready. */
async function stays(line: string): Promise<Record<string, string>> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const ended = user.runs(`${line} --json`, { signal: stop.signal, onStdout: resolve });
  running.push(ended);
  ended.then(({ exit, stdout }) => reject(new Error(`it ended with ${exit}: ${stdout}`)), reject);
  return JSON.parse(await promise);
}

test('a fresh server with --login, and an agent with the command that regions-add prints', {
  timeout: 60_000,
}, async () => {
  const data = join(user.home, 'server');
  const server = await stays(`server --listen 127.0.0.1:0 --data ${data} --login`);
  expect(server.address).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/);
  expect(server.loginCommand).toBe(`storky login ${server.address} --token ${server.firstToken}`);
  expect(readFileSync(configPath(user), 'utf8')).toContain(server.firstToken);

  const { command } = JSON.parse((await user.runs('regions-add paris --json')).stdout);
  const here = `--data ${join(user.home, 'paris')} --listen 127.0.0.1:0 --http-port 0 --ingress-port 0 --stop-all`;
  const agent = await stays(`${command.replace(/^storky /, '')} ${here}`);
  expect(agent).toMatchObject({ region: 'paris', address: { host: '127.0.0.1' } });
  // A busy machine may need more than one probe's patience for the agent's first answer.
  const regions = async () => JSON.parse((await user.runs('regions --json')).stdout);
  await expect.poll(regions, { timeout: 30_000 }).toMatchObject([{ name: 'paris', status: 'reachable' }]);

  // The login command works on another machine, and the token is shown only once.
  using other = new User();
  expect((await other.runs(server.loginCommand!.replace(/^storky /, ''))).exit).toBe(0);
  expect((await other.runs('regions')).stdout).toMatch(/paris +reachable/);
  const again = await user.runs(`server --listen 127.0.0.1:0 --data ${data} --json`);
  expect(JSON.parse(again.stdout)).toMatchObject({ code: 'folder_in_use' });
});

test.each([
  ['server --listen 8600', '--listen: write it as host:port, such as 127.0.0.1:8600'],
  ['server --listen 127.0.0.1:99999', '--listen: write it as host:port'],
  ['agent', "Required option '--name <region>' not specified"],
  ['agent --name paris --http-port web', '--http-port: '],
])('%s is wrong usage', async (line, what) => {
  const said = await user.runs(line);
  expect(said.exit).toBe(2);
  expect(said.stderr).toContain(what);
});

test('an agent that was never enrolled says so', async () => {
  const said = await user.runs(
    `agent --name paris --data ${join(user.home, 'paris')} --listen 127.0.0.1:0 --http-port 0 --ingress-port 0`,
  );
  expect(said.exit).toBe(1);
  expect(said.stderr).toContain('regions-add paris');
});

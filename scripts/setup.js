// Installs what is missing: the npm packages, and the programs of system-packages.js where this is Debian or Ubuntu and we
// are root or may use sudo. Speaks on standard error only. Runs on Node 20 with nothing installed.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { systemPackages } from './system-packages.js';

export const root = fileURLToPath(new URL('..', import.meta.url));
const inCi = process.env.CI === 'true';
const say = (line) => process.stderr.write(`setup: ${line}\n`);

/** Enough to build and to lint. */
export const setUpNpmPackages = () => installNpmPackages() && checkNode();

/** False when something is missing that must not be: anything under CI=true, else only what nothing works without. */
export function setUp() {
  return setUpNpmPackages() && installSystemPackages();
}

function installNpmPackages() {
  const { dependencies, devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const names = Object.keys({ ...dependencies, ...devDependencies });
  if (names.every((name) => existsSync(join(root, 'node_modules', name, 'package.json')))) return true;
  say('installing the npm packages');
  // Not `npm ci`: it refuses a lockfile that lacks the optional packages of other platforms, as written behind some mirrors.
  if (run('npm', ['install', '--no-save', '--prefer-offline'], root)) return true;
  say('`npm install` failed: see above');
  return false;
}

function checkNode() {
  const { status, stdout } = spawnSync('node', ['--version'], { env: withOurPrograms(), encoding: 'utf8' });
  const [major] = (stdout ?? '').replace('v', '').split('.').map(Number);
  if (status === 0 && major >= 24) return true;
  say(
    `Node 24 or later is needed, here is ${stdout?.trim()}; the npm package "node" brings it, if install scripts may run`,
  );
  return false;
}

function installSystemPackages() {
  if (missing().length > 0) aptInstall(missing().map(({ name }) => name));
  const left = missing();
  if (left.length === 0) return true;
  say('');
  say(`NOT INSTALLED: ${left.map(({ name }) => name).join(' ')}`);
  say(inCi ? 'CI=true, so nothing may be skipped.' : 'Tests and benches that need them will be skipped.');
  say('');
  return !inCi && !left.some(({ needed }) => needed);
}

const missing = () => systemPackages.filter(({ probe }) => !probe.some(matches));

function matches(pattern) {
  const star = pattern.indexOf('*');
  if (star === -1) return existsSync(pattern);
  const folder = dirname(`${pattern.slice(0, star)}x`);
  const rest = pattern.slice(star + 1);
  return existsSync(folder) && readdirSync(folder).some((name) => existsSync(join(folder, name, rest)));
}

function aptInstall(names) {
  const asRoot = process.getuid?.() === 0 ? [] : ['sudo', '-n'];
  if (!existsSync('/usr/bin/apt-get')) return say('this is neither Debian nor Ubuntu: packages are not installed');
  if (asRoot.length > 0 && spawnSync('sudo', ['-n', 'true']).status !== 0)
    return say(`as root, run: apt-get install ${names.join(' ')}`);
  const install = (packages) => {
    const options = ['-y', '-q', '--no-install-recommends', '--no-upgrade', '-o', 'DPkg::Lock::Timeout=120'];
    return run(
      ...split([...asRoot, 'env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', 'install', ...options, ...packages]),
      '/',
    );
  };
  say(`installing ${names.join(' ')}`);
  withServicesKeptDown(asRoot, () => {
    run(...split([...asRoot, 'apt-get', 'update', '-q']), '/');
    if (install(names)) return;
    for (const name of names) if (!install([name])) say(`${name} cannot be installed`); // one unknown name spoils the whole call
  });
}

/** Debian starts a service as soon as it is installed, unless this file says no. One that runs already is left alone. */
function withServicesKeptDown(asRoot, act) {
  const policy = '/usr/sbin/policy-rc.d';
  if (asRoot.length > 0 || existsSync(policy)) return act();
  writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    act();
  } finally {
    rmSync(policy, { force: true });
  }
}

/** The environment in which `node` and the tools are the ones that this project brings along. */
export function withOurPrograms() {
  return { ...process.env, PATH: `${join(root, 'node_modules/.bin')}:${process.env.PATH}` };
}

const split = ([command, ...args]) => [command, args];

function run(command, args, cwd) {
  return spawnSync(command, args, { cwd, stdio: ['ignore', 2, 2] }).status === 0;
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) process.exitCode = setUp() ? 0 : 1;

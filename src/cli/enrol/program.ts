import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { usage } from '../errors.ts';
import type { Facts } from './facts.ts';

/** What an agent needs to run on a host that downloads nothing: Storky itself, what it stands on, and a Node. */
export interface Program {
  /** Changes with everything that is in it. */
  digest: string;
  node: string;
  /** Paths below the root of this installation. */
  files: string[];
}

const root = fileURLToPath(new URL('../../..', import.meta.url));

/** Only the server keeps a state of its own; an agent does without. */
const forTheServer = new Set(['@dbos-inc/dbos-sdk', '@electric-sql/pglite']);

export function programFor(facts: Facts, givenNode: string | undefined): Program {
  const node = givenNode ?? ownNode(facts);
  const code = existsSync(join(root, 'src')) ? 'src' : 'dist';
  const files = ['package.json', 'bin', code, ...packages().map((path) => relative(root, path))];
  return { digest: digestOf(files, node, code), node, files };
}

/** Compressed, as it goes over the line: first the Node, then the rest, each as a tar of its own. */
export function archives({ node, files }: Program): { node: Readable; rest: Readable } {
  const tests = ['--exclude=*.test.ts', '--exclude=*.test-support.ts', '--exclude=testing'];
  return {
    node: tar(['-C', dirname(node), '-h', basename(node)]),
    rest: tar([...tests, '-C', root, '-T', '-'], `${files.join('\n')}\n`),
  };
}

function ownNode({ platform, architecture }: Facts): string {
  if (process.platform === platform && process.arch === architecture) return process.execPath;
  const theirs = `${platform}-${architecture}`;
  throw usage(
    `This machine is ${process.platform}-${process.arch}, the host is ${theirs}: give a Node 24 for ${theirs} with --node <file>`,
    '--node',
  );
}

function tar(args: string[], input = ''): Readable {
  // Without Apple's extra attributes, which other systems would unpack as files.
  const env = { ...process.env, COPYFILE_DISABLE: '1' };
  const child = spawn('tar', ['-czf', '-', ...args], { stdio: ['pipe', 'pipe', 'inherit'], env });
  child.stdin.end(input);
  const { stdout } = child;
  child.once('error', (error) => stdout.destroy(error));
  child.once('exit', (code) => code !== 0 && stdout.destroy(new Error(`tar ended with ${code}`)));
  return stdout;
}

/** The folders of all packages that are needed at run time. */
function packages(): string[] {
  const found = new Set<string>();
  const visit = (folder: string) => {
    for (const name of needsOf(folder)) {
      const path = folder === root && forTheServer.has(name) ? undefined : resolve(folder, name);
      if (path === undefined || found.has(path)) continue;
      found.add(path);
      visit(path);
    }
  };
  visit(root);
  return [...found];
}

interface Manifest {
  dependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
  peerDependencies?: Record<string, string>;
  peerDependenciesMeta?: Record<string, { optional?: boolean }>;
}

function needsOf(folder: string): string[] {
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;
  const { dependencies, optionalDependencies, peerDependencies = {}, peerDependenciesMeta: meta = {} } = manifest;
  const peers = Object.keys(peerDependencies).filter((name) => !meta[name]?.optional);
  return [...Object.keys({ ...dependencies, ...optionalDependencies }), ...peers];
}

/** As Node looks for it: in every `node_modules` upwards. An optional one may be missing. */
function resolve(from: string, name: string): string | undefined {
  for (let folder = from; ; folder = dirname(folder)) {
    const path = join(folder, 'node_modules', name);
    if (existsSync(join(path, 'package.json'))) return path;
    if (folder === dirname(folder)) return undefined;
  }
}

/** Of our own code the content counts, of packages the version. */
function digestOf(files: string[], node: string, code: string): string {
  const hash = createHash('sha256').update(`${node} ${statSync(node).size} ${statSync(node).mtimeMs}\n`);
  for (const file of files) {
    hash.update(`${file}\n`);
    if (file !== code && file !== 'bin') hash.update(versionOf(file));
    else for (const one of allIn(join(root, file))) hash.update(`${one}\n`).update(readFileSync(one));
  }
  return hash.digest('hex').slice(0, 16);
}

const versionOf = (file: string): string =>
  readFileSync(join(root, file === 'package.json' ? file : join(file, 'package.json')), 'utf8');

const allIn = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !/\.test(-support)?\.ts$|\/testing\//.test(path))
    .sort();

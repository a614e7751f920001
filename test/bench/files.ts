import { execFileSync, spawnSync } from 'node:child_process';
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Rig } from '../../src/drivers/files/test-rig.ts';

const files = 100_000;
const changed = 10;
const passes = 7;

export interface FilesResult {
  bench: 'files';
  peer: 'rsync';
  /** Ours divided by rsync's wall time of the pass that brings over only what is dirty. */
  ratio: number;
  oursMs: number;
  peerMs: number;
  files: number;
  changed: number;
}

/**
 * The pass of the freeze against `rsync -a --delete`, over the same tree with the same number of files changed: ours is
 * barrier, sending, applying, syncing to disk and the marker seen; rsync's is one local run, without a sync to disk.
 */
export async function* benchFiles(): AsyncGenerator<FilesResult> {
  installRsync();
  await using rig = await Rig.start();
  fill(rig.from);
  await rig.copyAndFollow();
  await rig.rehearse();
  const ours: number[] = [];
  const peers: number[] = [];
  const mirror = join(rig.base, 'rsync');
  rsync(rig.from, mirror);
  for (let pass = 1; pass <= passes; pass++) {
    change(rig.from, pass);
    ours.push(await rig.switch(pass));
    peers.push(rsync(rig.from, mirror));
    await rig.inSync();
  }
  const [oursMs, peerMs] = [median(ours), median(peers)];
  yield {
    bench: 'files',
    peer: 'rsync',
    ratio: round(oursMs / peerMs),
    oursMs: round(oursMs),
    peerMs: round(peerMs),
    files,
    changed,
  };
}

function fill(root: string): void {
  for (let dir = 0; dir < files / 100; dir++) {
    const folder = join(root, String(dir % 10), String(dir));
    mkdirSync(folder, { recursive: true });
    for (let i = 0; i < 100; i++) writeFileSync(join(folder, `file-${i}.txt`), `file ${i} of folder ${dir}\n`);
  }
}

/** Other files in each pass, spread over the tree. */
function change(root: string, pass: number): void {
  for (let i = 0; i < changed; i++) {
    const dir = (i * 97 + pass * 13) % (files / 100);
    appendFileSync(join(root, String(dir % 10), String(dir), `file-${pass}.txt`), `changed in pass ${pass}\n`);
  }
}

function rsync(from: string, to: string): number {
  const start = performance.now();
  execFileSync('rsync', ['-a', '--delete', `${from}/`, `${to}/`], { stdio: 'ignore' });
  return performance.now() - start;
}

function installRsync(): void {
  if (spawnSync('rsync', ['--version'], { stdio: 'ignore' }).status === 0) return;
  const options = { stdio: 'ignore' as const, env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } };
  execFileSync('apt-get', ['update', '-q'], options);
  execFileSync('apt-get', ['install', '-qy', 'rsync'], options);
}

const median = (values: number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!;
const round = (value: number): number => Number(value.toPrecision(3));

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { collectPassed } from './passing-buffers.ts';

/**
 * A tunnel makes a short-lived buffer for every 16 KiB. With V8's young generation of 16 MiB and more they pile up to 80 MB
 * and leave the processor's cache; with 1 MiB one tunnel took 40 MB less memory and passed a quarter more, measured.
 * Other versions of V8 name the flags differently and keep their defaults.
 *
 * In so small a young generation much does not die in time: the promises of a pipeline, the rows of a page. It becomes old,
 * and of old garbage V8 lets far more pile up than lives (150 MB on 35 MB, where a database was compared), unless it is told by
 * how much the heap may grow between two collections.
 */
export function keepHeapSmall(): void {
  if (Number(process.versions.node.split('.')[0]) < 24) return;
  setFlagsFromString('--semi-space-growth-factor=1');
  setFlagsFromString('--scavenger-max-new-space-capacity-mb=1');
  setFlagsFromString('--heap-growing-percent=20');
  collectPassed(collectBuffers);
}

/** What was on its way during two collections of the young is old; when there is more of it than this, all is collected. */
const mostOldBytes = 16 * 1024 * 1024;
/** The same of objects: V8 lets a quarter of the heap come together before it begins, and more until it has ended. */
const mostOldObjects = 8 * 1024 * 1024;
/** A full collection takes some 30 ms, a young one about 1. */
const fullEveryMs = 250;
let lastFull = 0;
let livedThen = 0;

function collectBuffers(): void {
  collector()({ type: 'minor' });
  const now = performance.now();
  if (now - lastFull < fullEveryMs) return;
  const { arrayBuffers, heapUsed } = process.memoryUsage();
  if (arrayBuffers < mostOldBytes && heapUsed < livedThen + mostOldObjects) return;
  lastFull = now;
  collectOnce();
  livedThen = process.memoryUsage().heapUsed;
}

/** Once everything is loaded. Up to its first collection V8 goes by a limit of its own, which is far above what lives here. */
export function collectOnce(): void {
  collector()();
}

type Collect = (options?: { type: 'minor' }) => void;

let known: Collect | undefined;

function collector(): Collect {
  if (known) return known;
  setFlagsFromString('--expose-gc');
  known = runInNewContext('gc') as Collect;
  return known;
}

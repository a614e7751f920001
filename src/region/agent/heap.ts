import { setFlagsFromString } from 'node:v8';

/**
 * A tunnel makes a short-lived buffer for every 16 KiB. With V8's young generation of 16 MiB and more they pile up to 80 MB
 * and leave the processor's cache; with 1 MiB one tunnel took 40 MB less memory and passed a quarter more, measured.
 * Other versions of V8 name the flag differently and keep their default.
 */
export function keepYoungHeapSmall(): void {
  if (Number(process.versions.node.split('.')[0]) < 24) return;
  setFlagsFromString('--semi-space-growth-factor=1');
  setFlagsFromString('--scavenger-max-new-space-capacity-mb=1');
}

import { chownSync, existsSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { writeFileAtomic } from '../../../base/atomic-file.ts';
import { StorkyError } from '../../../protocol/errors.ts';
import type { GateCheck, GateDriver, GateOrder, Standing } from '../contract.ts';
import { run } from '../run.ts';
import { hasGate, withGate, withoutGate } from './nginx-text.ts';
import { anyOf, type ProxyOrder, proxyOrder } from './place.ts';

/** nginx in front of the app: its `upstream` block names the gate first. */
export const nginx: GateDriver = {
  name: 'nginx',

  async check(order): Promise<GateCheck> {
    const { app, place, upstreams, router } = proxyOrder(order, 'nginx');
    const remedy = `Write the app as \`upstream NAME { server ${upstreams[0]}; }\` in a file of its own.`;
    const text = read(place.file);
    if (text === undefined) return { possible: false, why: `${place.file} cannot be read`, remedy };
    if (withGate(text, { app, router, upstreams }) === undefined)
      return {
        possible: false,
        why: `${place.file} has no upstream block of ${anyOf(upstreams)} alone`,
        remedy,
      };
    const { code, stderr } = await run(place.test);
    if (code !== 0) return { possible: false, why: lastLine(stderr), remedy: 'Mend the configuration of nginx first.' };
    return { possible: true, notes: ['nginx keeps connections that are open now in workers that end with them.'] };
  },

  async insert(order) {
    const { app, place, upstreams, router } = proxyOrder(order, 'nginx');
    const before = read(place.file) ?? '';
    const after = withGate(before, { app, router, upstreams });
    if (after === undefined)
      throw new StorkyError('gate_not_inserted', {
        app,
        detail: `${place.file} has no upstream block of the app alone`,
      });
    // Whoever dies between the file and the reload leaves a gate that nginx has not heard of.
    writeFileAtomic(unheardOf(order), '');
    const failure = await change(place, after, before);
    rmSync(unheardOf(order));
    if (failure) throw new StorkyError('gate_not_inserted', { app, detail: `nginx: ${failure}` });
  },

  async verify(order): Promise<Standing> {
    const { app, place, upstreams, router } = proxyOrder(order, 'nginx');
    const text = read(place.file);
    if (text === undefined || !hasGate(text, app)) return 'out';
    const isThere = withGate(text, { app, router, upstreams }) === text && !existsSync(unheardOf(order));
    return isThere ? 'in' : 'partly';
  },

  async remove(order: GateOrder) {
    const { app, place } = proxyOrder(order, 'nginx');
    const text = read(place.file);
    if (text === undefined) return;
    const after = withoutGate(text, app);
    const told = { app, where: place.file, what: `what is marked storky:${app}`, kept: 'the same file' };
    if (hasGate(after, app)) throw new StorkyError('gate_not_removed', { ...told, detail: 'it was changed meanwhile' });
    const failure = await change(place, after, text);
    if (failure) throw new StorkyError('gate_not_removed', { ...told, detail: `nginx: ${failure}` });
  },
};

/** A mark beside the order, for as long as nginx has not read the file. */
const unheardOf = ({ folder }: GateOrder): string => join(folder, 'nginx-reload');

/** Tested before it is used; what fails is taken back. Says why it failed. */
async function change(place: ProxyOrder<'nginx'>['place'], after: string, before: string): Promise<string | undefined> {
  if (after !== before) replace(place.file, after);
  // Also where nothing changed: an earlier run may have ended in between.
  for (const command of [place.test, place.reload]) {
    const { code, stderr } = await run(command);
    if (code === 0) continue;
    if (after !== before) replace(place.file, before);
    return lastLine(stderr);
  }
  await sleep(reloadMs);
  return undefined;
}

/** A reload is asked for and not waited for: for so long workers may go on by what they had read, milliseconds. */
const reloadMs = 1_000;

/** Whole or not at all, with the same owner and mode: nginx may be started at any moment. */
function replace(file: string, text: string): void {
  const { mode, uid, gid } = statSync(file);
  writeFileAtomic(file, text, mode & 0o7777);
  if (process.getuid?.() === 0) chownSync(file, uid, gid);
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

const lastLine = (text: string): string => text.trim().split('\n').at(-1) ?? '';

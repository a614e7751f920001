import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { GuestOrder } from '../../contract.ts';
import { inContainer, variableOf } from '../../guest.ts';

export interface Configuration {
  port: number;
  /** Of the account without a name, in the order in which they are tried; the empty one is none. */
  passwords: string[];
}

/** Of images that are told by variables: https://github.com/bitnami/containers/tree/main/bitnami/redis */
const passwordVariables = ['REDIS_PASSWORD', 'VALKEY_PASSWORD'];
const portVariables = ['REDIS_PORT_NUMBER', 'REDIS_PORT', 'VALKEY_PORT_NUMBER'];

/** What a container's arguments, its file of settings and its variables say. The later of two words counts, as for the server. */
export async function configurationOf(
  order: Pick<GuestOrder, 'guest' | 'environment' | 'command'>,
): Promise<Configuration> {
  const words = wordsOf(order);
  const path = words.find((word) => word.endsWith('.conf'));
  const settings = [...(path ? await settingsIn(order, path) : []), ...settingsOf(words)];
  const said = (name: string) => settings.findLast(([known]) => known === name)?.[1];
  const variables = await Promise.all(
    passwordVariables.map((name) => variableOf(order.guest, order.environment, name)),
  );
  const passwords = [said('requirepass'), ...variables, ''].filter((one) => one !== undefined);
  const port = [said('port'), ...portVariables.map((name) => order.environment[name])].find((one) =>
    /^\d+$/.test(one ?? ''),
  );
  return { port: Number(port ?? 6379), passwords: [...new Set(passwords)] };
}

/** Arguments as the server gets them; what is given to a shell is taken apart as a shell does it. */
function wordsOf({ command, environment }: Pick<GuestOrder, 'command' | 'environment'>): string[] {
  return command.flatMap((argument, n) => (command[n - 1] === '-c' ? shellWords(argument, environment) : [argument]));
}

const shellWord = /"((?:[^"\\]|\\.)*)"|'([^']*)'|([^\s;&|]+)/g;

function shellWords(text: string, environment: Record<string, string>): string[] {
  const filled = (word: string) =>
    word.replaceAll(
      /\$(?:\{(\w+)\}|(\w+))/g,
      (_, braced?: string, plain?: string) => environment[braced ?? plain!] ?? '',
    );
  return [...text.matchAll(shellWord)].map(([, double, single, plain]) => single ?? filled(double ?? plain!));
}

type Setting = [name: string, value: string];

/** `--name value` */
function settingsOf(words: string[]): Setting[] {
  return words.flatMap((word, n): Setting[] =>
    word.startsWith('--') ? [[word.slice(2).toLowerCase(), words[n + 1] ?? '']] : [],
  );
}

/** A file that cannot be read says nothing: whether that matters shows when somebody logs in. */
async function settingsIn({ guest }: Pick<GuestOrder, 'guest'>, path: string, depth = 0): Promise<Setting[]> {
  const [program, ...args] = inContainer(guest, 'cat');
  const { stdout } = await promisify(execFile)(program!, [...args, path]).catch(() => ({ stdout: '' }));
  const settings: Setting[] = [];
  for (const line of stdout.split('\n')) {
    const [name, value] = shellWords(line, {});
    if (!name || name.startsWith('#') || value === undefined) continue;
    if (name.toLowerCase() === 'include' && depth < 5)
      settings.push(...(await settingsIn({ guest }, value, depth + 1)));
    else settings.push([name.toLowerCase(), value]);
  }
  return settings;
}

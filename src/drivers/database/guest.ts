import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Guest } from './contract.ts';

const execute = promisify(execFile);

/**
 * The command that runs a program where the server is. Of `variables` the names alone stand in it, where every account of
 * the host can read them; their values have to be in the environment of whoever runs it.
 */
export const inContainer = ({ exec, container }: Guest, program: string, variables: string[] = []): string[] => [
  ...exec,
  ...variables.flatMap((name) => ['--env', name]),
  container,
  program,
];

/** A variable, or the file that a variable with `_FILE` behind its name points to, as images of databases have it. */
export async function variableOf(
  guest: Guest,
  environment: Record<string, string>,
  name: string,
): Promise<string | undefined> {
  const path = environment[`${name}_FILE`];
  if (path === undefined || path === '') return environment[name];
  const [program, ...args] = inContainer(guest, 'cat');
  const { stdout } = await execute(program!, [...args, path]);
  return stdout.replace(/\r?\n$/, '');
}

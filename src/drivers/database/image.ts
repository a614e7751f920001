import type { ContainerImage } from './contract.ts';

/** `registry:5000/team/shop:15.4-alpine@sha256:…` → name `shop`, tag `15.4-alpine`. */
export function nameAndTag(reference: string): { name: string; tag: string | null } {
  const [plain = ''] = reference.split('@');
  const last = plain.split('/').at(-1) ?? '';
  const [name = '', tag = null] = last.split(':');
  return { name, tag };
}

/** The version that an image says of itself, else the number that its tag begins with; as many parts of it as asked for. */
export function versionOf(
  { reference, environment }: ContainerImage,
  variables: string[],
  parts: number,
): string | null {
  const said = variables.map((name) => environment[name]).find((value) => value !== undefined);
  // A package's version may begin with an epoch, `1:`, which is not the server's.
  const number = /\d+(\.\d+)*/.exec((said ?? nameAndTag(reference).tag ?? '').replace(/^\d+:/, ''))?.[0];
  return number?.split('.').slice(0, parts).join('.') ?? null;
}

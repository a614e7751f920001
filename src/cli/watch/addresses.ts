import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { z } from 'zod';
import { PartName } from '../../protocol/app-record/names.ts';
import type { Context } from '../context.ts';
import { usage } from '../errors.ts';

const one = z
  .string()
  .regex(/^[^=]+=(env:.+|file:.+|-)$/, 'write it as db=env:VARIABLE, db=file:PATH or db=- for standard input')
  .transform((text) => [text.slice(0, text.indexOf('=')), text.slice(text.indexOf('=') + 1)])
  .pipe(z.tuple([PartName, z.string()]));

/** Where the addresses stand: on the command line, everybody on the machine could read them. */
export const addresses = z.array(one).default([]);

export async function readAddresses({ io }: Context, places: [string, string][]): Promise<Record<string, string>> {
  const read = async ([addon, place]: [string, string]): Promise<[string, string]> => {
    const address = (await textAt(io, place)).trim();
    if (address === '') throw usage(`--addon ${addon}: ${place} is empty`, '--addon');
    return [addon, address];
  };
  return Object.fromEntries(await Promise.all(places.map(read)));
}

async function textAt({ env, cwd, stdin }: Context['io'], place: string): Promise<string> {
  if (place.startsWith('env:')) return env[place.slice(4)] ?? '';
  if (place === '-') return (await stdin.setEncoding('utf8').toArray()).join('');
  try {
    return readFileSync(resolve(cwd, place.slice(5)), 'utf8');
  } catch (error) {
    throw usage(`--addon: ${place.slice(5)} cannot be read: ${(error as NodeJS.ErrnoException).code}`, '--addon');
  }
}

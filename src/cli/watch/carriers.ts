import { z } from 'zod';
import { PartName } from '../../protocol/app-record/names.ts';
import { Carrier } from '../../protocol/migration.ts';

const one = z
  .string()
  .includes('=', 'write it as store=carrier, such as db=backup')
  .transform((text) => text.split('='))
  .pipe(z.tuple([PartName, Carrier]));

/** `db=backup`, several times. */
export const carriers = z
  .array(one)
  .default([])
  .transform((pairs): Record<string, Carrier> => Object.fromEntries(pairs));

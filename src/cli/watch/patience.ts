import { z } from 'zod';

/** `5m`, `90s`. */
export const patience = z
  .string()
  .regex(/^\d+(s|m)$/, 'write it as 5m or 90s')
  .transform((text) => Number.parseInt(text, 10) * (text.endsWith('m') ? 60_000 : 1_000))
  .pipe(z.number().max(590_000, 'less than 10 minutes'))
  .optional();

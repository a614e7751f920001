import { z } from 'zod';

const factor: Record<string, number> = { ms: 1, s: 1000, '': 1 };

/** `10s`, `800ms` or plain milliseconds. */
export const budget = z
  .string()
  .regex(/^\d+(\.\d+)?(ms|s)?$/, 'write it as 10s, 800ms or a number of milliseconds')
  .transform((text) => {
    const [, number, unit = ''] = text.match(/^([\d.]+)(ms|s)?$/)!;
    return Math.round(Number(number) * factor[unit]!);
  })
  .pipe(z.number().min(100, 'at least 100 ms').max(60_000, 'at most 60 s'))
  .optional();

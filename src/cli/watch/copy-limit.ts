import { z } from 'zod';

const factor: Record<string, number> = { kB: 1e3, MB: 1e6, GB: 1e9 };

/** `20MB/s`, `500kB/s`, `none`: bytes a second, or null. Powers of 1000, as `Progress` tells them. */
export const copyLimit = z
  .string()
  .regex(/^(none|\d+(\.\d+)?\s?(kB|MB|GB)(\/s)?)$/, 'write it as 20MB/s, 500kB/s or none')
  .transform((text) => {
    const [, number, unit] = /^([\d.]+)\s?(kB|MB|GB)/.exec(text) ?? [];
    return unit === undefined ? null : Math.round(Number(number) * factor[unit]!);
  })
  .refine((limit) => limit === null || limit >= 100_000, 'at least 100kB/s');

export const limitHelp = 'at most so much is copied a second, such as 20MB/s; none: as fast as the source bears';

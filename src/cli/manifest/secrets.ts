import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { z } from 'zod';
import { type Mistake, type Place, placeOf } from '../../base/yaml-positions.ts';

/** Where a secret stands that is not written into the manifest. A file's path is seen from the manifest's folder. */
const Elsewhere = z.union([z.object({ env: z.string() }).strict(), z.object({ file: z.string() }).strict()]);

const secretKeys = ['address', 'password'] as const;

export interface Surroundings {
  env: Record<string, string | undefined>;
  folder: string;
}

/** The manifest's value with the secrets of its addons put in, which stand in the environment or in files. */
export function withSecrets(
  manifest: unknown,
  place: Place,
  from: Surroundings,
): { value: unknown; mistakes: Mistake[] } {
  const value = structuredClone(manifest) as { addons?: Record<string, unknown>[] };
  if (!Array.isArray(value?.addons)) return { value, mistakes: [] };
  const mistakes = value.addons.flatMap((addon, index) =>
    secretKeys.flatMap((key) => {
      const elsewhere = Elsewhere.safeParse(addon?.[key]);
      if (!elsewhere.success) return [];
      const found = lookUp(elsewhere.data, from);
      if (found.secret !== undefined) addon[key] = found.secret;
      else return [{ ...placeOf(['addons', index, key], place), detail: `addons[${index}].${key}: ${found.missing}` }];
      return [];
    }),
  );
  return { value, mistakes };
}

function lookUp(
  where: z.infer<typeof Elsewhere>,
  { env, folder }: Surroundings,
): { secret?: string; missing?: string } {
  if ('env' in where) return env[where.env] ? { secret: env[where.env] } : { missing: `${where.env} is not set` };
  try {
    return { secret: readFileSync(resolve(folder, where.file), 'utf8').trim() };
  } catch (error) {
    return { missing: `${where.file} cannot be read: ${(error as NodeJS.ErrnoException).code}` };
  }
}

import { z } from 'zod';
import type { Path } from '../../base/yaml-positions.ts';

/** The keys that the schema knows at `path`; where it has alternatives, those of the one that the value names. */
export function knownKeys(schema: z.core.$ZodType, value: unknown, path: Path): string[] {
  let here: z.core.$ZodType | undefined = bare(schema, value);
  let there = value;
  for (const key of path) {
    there = (there as Record<PropertyKey, unknown> | undefined)?.[key];
    here = here && child(here, key);
    here = here && bare(here, there);
  }
  return here instanceof z.ZodObject ? Object.keys(here.shape) : [];
}

function child(schema: z.core.$ZodType, key: PropertyKey): z.core.$ZodType | undefined {
  if (schema instanceof z.ZodObject) return schema.shape[String(key)];
  if (schema instanceof z.ZodArray) return schema.element;
  if (schema instanceof z.ZodRecord) return schema.valueType;
  return undefined;
}

/** Without what wraps it: default, nullable, optional, and the alternatives that the value is not. */
function bare(schema: z.core.$ZodType, value: unknown): z.core.$ZodType {
  if (
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault ||
    schema instanceof z.ZodNullable ||
    schema instanceof z.ZodOptional
  )
    return bare(schema.unwrap(), value);
  if (!(schema instanceof z.ZodDiscriminatedUnion)) return schema;
  const { discriminator } = schema.def;
  const named = (value as Record<string, unknown> | undefined)?.[discriminator];
  return (
    schema.options.find(
      (option) => option instanceof z.ZodObject && option.shape[discriminator]?.safeParse(named).success,
    ) ?? schema
  );
}

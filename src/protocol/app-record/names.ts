import { z } from 'zod';

/** An app's name is also a host name label. */
export const AppName = z
  .string()
  .regex(/^[a-z0-9](?:[a-z0-9-]{0,46}[a-z0-9])$/, '2 to 48 of a-z, 0-9 and -, not at an end');
export const RegionName = z
  .string()
  .regex(/^[a-z0-9](?:[a-z0-9-]{0,46}[a-z0-9])$/, '2 to 48 of a-z, 0-9 and -, not at an end');
/** Addons, file trees and process types: short, and safe in a file name. */
export const PartName = z
  .string()
  .regex(/^[a-z][a-z0-9_-]{0,30}$/, 'starts with a letter; a-z, 0-9, _ and -; 31 at most');
export const VariableName = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,63}$/, 'letters, digits and _; 64 at most');
export const HostName = z
  .string()
  .toLowerCase()
  .regex(/^(?=.{1,253}$)([a-z0-9_]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, 'a host name');
export const RelativePath = z
  .string()
  .min(1)
  .refine((path) => !path.startsWith('/') && !path.split('/').includes('..'), "a path inside the app's folder");

import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { ContainerInspectInfo } from 'dockerode';
import { LineCounter, parseDocument } from 'yaml';
import { z } from 'zod';
import { type Mistake, type Path, type Place, placeOf, placeOfKey } from '../../../../base/yaml-positions.ts';
import { StorkyError } from '../../../../protocol/errors.ts';
import { Carrier } from '../../../../protocol/migration.ts';
import { labelOf } from '../containers.ts';

/** Our keys in Compose's files: docs/docker.md says what each does. */
const ServiceKeys = z.strictObject({
  role: z.enum(['web', 'worker']).optional(),
  /** Visitors come to it there, though it is not published. */
  port: z.number().int().min(1).max(65_535).optional(),
  tcp: z.array(z.number().int().min(1).max(65_535)).default([]),
  health: z.string().startsWith('/', 'it is a path, and begins with /').optional(),
  carrier: Carrier.optional(),
});
const StoreKeys = z.strictObject({ carrier: Carrier.optional(), ignore: z.array(z.string().min(1)).default([]) });
const ProjectKeys = z.strictObject({ folders: z.record(z.string(), StoreKeys).default({}) });

export type ServiceKeys = z.infer<typeof ServiceKeys>;
type StoreKeys = z.infer<typeof StoreKeys>;

/** A key with the file and line where it stands, for whoever finds that it does not fit. */
export type Placed<T> = T & { at: { file: string; line: number } };

export interface ComposeKeys {
  services: Map<string, Placed<ServiceKeys>>;
  /** By Docker's name of the volume. */
  volumes: Map<string, Placed<StoreKeys>>;
  /** By their paths on the host. */
  folders: Map<string, Placed<StoreKeys>>;
}

/**
 * What the owner of a Compose project says about it in its files, where they can be read; what a later file says of a thing
 * takes the place of what an earlier one did. @throws StorkyError bad_manifest with the file and line of every mistake
 */
export function readComposeKeys(container: ContainerInspectInfo): ComposeKeys {
  const keys: ComposeKeys = { services: new Map(), volumes: new Map(), folders: new Map() };
  const folder = labelOf(container, 'project.working_dir');
  const files = (labelOf(container, 'project.config_files') ?? '').split(',').filter(Boolean);
  if (folder === undefined) return keys;
  for (const file of files.map((name) => resolve(folder, name))) {
    const text = textOf(file);
    if (text?.includes('x-storky')) readFile(file, text, { folder, project: labelOf(container, 'project')! }, keys);
  }
  return keys;
}

function readFile(file: string, text: string, of: { folder: string; project: string }, keys: ComposeKeys): void {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, merge: true });
  const place: Place = { document, lines };
  const [broken] = document.errors;
  if (broken)
    refuse(file, [{ line: lines.linePos(broken.pos[0]).line, column: 1, detail: broken.message.split('\n')[0]! }]);
  // Aliases and merged keys (`<<`) come with what they stand for; they are placed where they are used.
  const content: unknown = document.toJS();
  const mistakes: Mistake[] = [];
  const take = <T extends object>(schema: z.ZodType<T>, path: Path): Placed<T> | undefined => {
    const value = path.reduce<unknown>((at, key) => (isObject(at) ? at[String(key)] : undefined), content);
    if (value === undefined) return undefined;
    const { data, error } = schema.safeParse(value);
    for (const issue of error?.issues ?? []) mistakes.push(...mistakesOf(issue, path, place));
    return error ? undefined : { ...(data as T), at: { file, line: placeOf(path, place).line } };
  };
  for (const name of namesIn(content, 'services')) {
    const found = take(ServiceKeys, ['services', name, 'x-storky']);
    if (found) keys.services.set(name, found);
  }
  for (const name of namesIn(content, 'volumes')) {
    const found = take(StoreKeys, ['volumes', name, 'x-storky']);
    if (found) keys.volumes.set(volumeName(content, name, of.project), found);
  }
  const folders = take(ProjectKeys, ['x-storky'])?.folders ?? {};
  for (const [path, store] of Object.entries(folders)) {
    const at = { file, line: placeOf(['x-storky', 'folders', path], place).line };
    keys.folders.set(resolve(of.folder, path), { ...store, at });
  }
  refuse(file, mistakes);
}

/** As Compose names it for Docker. */
function volumeName(content: unknown, key: string, project: string): string {
  const { name, external } = partOf(partOf(content, 'volumes'), key);
  if (typeof name === 'string') return name;
  return external === true ? key : `${project}_${key}`;
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

function partOf(content: unknown, key: string): Record<string, unknown> {
  const part = isObject(content) ? content[key] : undefined;
  return isObject(part) ? part : {};
}

const namesIn = (content: unknown, part: string): string[] => Object.keys(partOf(content, part));

function mistakesOf(issue: z.core.$ZodIssue, at: Path, place: Place): Mistake[] {
  const path = [...at, ...issue.path];
  const name = path.map(String).join('.');
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => ({
      ...placeOfKey(path, key, place),
      detail: `${name}.${key}: there is no such key`,
    }));
  return [{ ...placeOf(path, place), detail: `${name}: ${issue.message}` }];
}

/** The first mistake is the error's; the others follow, each with its place. */
function refuse(file: string, mistakes: Mistake[]): void {
  const [first, ...others] = mistakes.toSorted((a, b) => a.line - b.line);
  if (!first) return;
  const detail = [first.detail, ...others.map((each) => `${file}:${each.line}: ${each.detail}`)].join('\n');
  throw new StorkyError('bad_manifest', { file, line: first.line, detail, mistakes: mistakes.length });
}

/** A key that is well-formed, and means nothing here. */
export const misplaced = ({ at }: Placed<object>, detail: string): StorkyError =>
  new StorkyError('bad_manifest', { ...at, detail, mistakes: 1 });

/** Undefined where Compose's files are not on this host any more, or were never: the project is read without them. */
function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

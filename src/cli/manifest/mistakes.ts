import { isScalar } from 'yaml';
import type { z } from 'zod';
import { type Mistake, nodeAt, type Path, type Place, placeOf, placeOfKey } from '../../base/yaml-positions.ts';
import { AppRecord } from '../../protocol/app-record/record.ts';
import { knownKeys } from './known-keys.ts';
import { closest } from './suggest.ts';

type Issue = z.core.$ZodIssue;

/** Each issue of the schema as one mistake, or several, at the line that has to be changed. */
export const mistakesOf = (issues: readonly Issue[], place: Place): Mistake[] =>
  issues.flatMap((issue) => mistakes(issue, place));

function mistakes(issue: Issue, place: Place): Mistake[] {
  const { path } = issue;
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownKey(path, key, place));
  if (issue.code === 'invalid_key') {
    const detail = `${dotted(path)}: ${issue.issues[0]?.message ?? issue.message}`;
    return [{ ...placeOfKey(path.slice(0, -1), String(path.at(-1)), place), detail }];
  }
  const node = nodeAt(place.document, path);
  const missing = node === undefined && path.length > 0;
  const detail = missing ? 'is missing' : (quoted(issue, node) ?? issue.message);
  return [{ ...placeOf(path, place), detail: path.length ? `${dotted(path)}: ${detail}` : detail }];
}

function unknownKey(path: Path, key: string, place: Place): Mistake {
  const known = knownKeys(AppRecord, place.document.toJS(), path);
  const near = closest(key, known);
  const advice = near ? `did you mean ${near}?` : known.length ? `known are ${known.join(', ')}` : '';
  return {
    ...placeOfKey(path, key, place),
    detail: [`${dotted([...path, key])}: there is no such key`, advice].filter(Boolean).join('; '),
  };
}

/** `version: 15` is a number to YAML; the user meant the text. */
function quoted(issue: Issue, node: unknown): string | undefined {
  if (issue.code !== 'invalid_type' || issue.expected !== 'string' || !isScalar(node)) return undefined;
  if (typeof node.value !== 'number' && typeof node.value !== 'boolean') return undefined;
  return `must be text: write it in quotes, "${node.source ?? node.value}"`;
}

/** As it is read: `addons[0].engine`. */
export const dotted = (path: Path) =>
  path
    .map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`))
    .join('')
    .slice(path[0] !== undefined && typeof path[0] !== 'number' ? 1 : 0);

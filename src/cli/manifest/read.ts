import { readFileSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { LineCounter, parseDocument } from 'yaml';
import { type Mistake, type Path, placeOf, position } from '../../base/yaml-positions.ts';
import { AppRecord } from '../../protocol/app-record/record.ts';
import { StorkyError } from '../../protocol/errors.ts';
import { environmentMistakes, keepTextOfEnvironment } from './environment.ts';
import { dotted, mistakesOf } from './mistakes.ts';
import { type Surroundings, withSecrets } from './secrets.ts';

export interface Manifest {
  file: string;
  record: AppRecord;
  /** For what is found wrong later: nothing where there are no mistakes. @throws StorkyError bad_manifest, with their lines */
  refuse(mistakes: { path: Path; detail: string }[]): void;
}

/** Reads and checks storky.yaml. Throws `bad_manifest`, naming the line of every mistake at once. */
export function readManifest(path: string, cwd: string, env: Surroundings['env'] = {}): Manifest {
  const file = resolve(cwd, path);
  const name = relative(cwd, file) || file;
  const lines = new LineCounter();
  const document = parseDocument(textOf(file, name), { lineCounter: lines, prettyErrors: false });
  refuse(
    name,
    document.errors.map((error) => ({ ...position(lines, error.pos[0]), detail: firstLine(error.message) })),
  );
  const place = { document, lines };
  refuse(name, environmentMistakes(place));
  keepTextOfEnvironment(document);
  const { value, mistakes } = withSecrets(document.toJS() ?? {}, place, { env, folder: dirname(file) });
  refuse(name, mistakes);
  const result = AppRecord.safeParse(value);
  if (!result.success) refuse(name, mistakesOf(result.error.issues, place));
  return {
    file,
    record: result.data!,
    refuse: (wrong) =>
      refuse(
        name,
        wrong.map(({ path, detail }) => ({ ...placeOf(path, place), detail: `${dotted(path)}: ${detail}` })),
      ),
  };
}

function textOf(file: string, name: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const detail =
      (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'there is no such file' : (error as Error).message;
    throw new StorkyError('bad_manifest', { file: name, line: 1, detail }, { cause: error });
  }
}

/** The error is about the first mistake; its detail lists the others below it, each with its place. */
function refuse(file: string, mistakes: Mistake[]): void {
  const [first, ...others] = mistakes.toSorted((a, b) => a.line - b.line || a.column - b.column);
  if (!first) return;
  const detail = [first.detail, ...others.map((each) => `${file}:${each.line}: ${each.detail}`)].join('\n');
  throw new StorkyError('bad_manifest', { file, line: first.line, detail, mistakes: mistakes.length });
}

const firstLine = (text: string) => text.split('\n')[0]!;

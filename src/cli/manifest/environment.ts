import { type Document, isMap, isScalar, Scalar } from 'yaml';
import { type Mistake, nodeAt, type Place, placeOf } from '../../base/yaml-positions.ts';

/**
 * A variable is text. YAML would read `1.10` as 1.1, `0o17` as 15 and `yes`-like words as truth values, so what the user
 * wrote is taken as it stands; an empty value is the empty text.
 */
export function keepTextOfEnvironment(document: Document): void {
  const environment = nodeAt(document, ['environment']);
  if (!isMap(environment)) return;
  for (const pair of environment.items) {
    if (!isScalar(pair.value) || typeof pair.value.value === 'string') continue;
    pair.value = new Scalar(pair.value.value === null ? '' : (pair.value.source ?? String(pair.value.value)));
  }
}

/** A list or a map under a variable would silently become something like `[object Object]`. */
export function environmentMistakes(place: Place): Mistake[] {
  const environment = nodeAt(place.document, ['environment']);
  if (!isMap(environment)) return [];
  return environment.items.flatMap(({ key, value }) => {
    const name = isScalar(key) ? String(key.value) : '';
    if (value === null || isScalar(value)) return [];
    return [
      {
        ...placeOf(['environment', name], place),
        detail: `environment.${name}: a variable is one text, not a list or a map`,
      },
    ];
  });
}

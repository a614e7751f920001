/**
 * `${addons.db.url}` and its like: at least one dot, so that a value may hold `${HOME}` or any other text. Values are kept
 * raw and resolved when a process starts, so that they follow the app to another region.
 */
const reference = /\$\{([A-Za-z][\w-]*(?:\.[\w-]+)+)\}/g;

/** What references stand for, by their full names: `addons.db.url`. */
export type Known = ReadonlyMap<string, string>;

export function resolve(environment: Record<string, string>, known: Known): Record<string, string> {
  return Object.fromEntries(
    Object.entries(environment).map(([name, value]) => [
      name,
      value.replace(reference, (_, key: string) => lookUp(key, name, known)),
    ]),
  );
}

function lookUp(key: string, variable: string, known: Known): string {
  const value = known.get(key);
  if (value === undefined) throw new UnknownReference(variable, key, known);
  return value;
}

/** Says what can be referred to instead; names only, never values. */
export class UnknownReference extends Error {
  constructor(variable: string, key: string, known: Known) {
    const alike = [...known.keys()].filter((name) => name.split('.')[0] === key.split('.')[0]);
    const choice = alike.length > 0 ? alike : [...known.keys()];
    super(
      `${variable} refers to \${${key}}, which does not exist; there is ${choice.map((name) => `\${${name}}`).join(', ')}`,
    );
  }
}

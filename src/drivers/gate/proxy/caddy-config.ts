import { isDeepStrictEqual } from 'node:util';

/** A configuration of Caddy, as its admin interface gives it. */
export type Config = { [key: string]: unknown } | unknown[] | string | number | boolean | null;

interface Handler {
  handler: 'reverse_proxy';
  upstreams: { '@id'?: string; dial?: string }[];
  load_balancing?: unknown;
  health_checks?: unknown;
  [key: string]: unknown;
}

export interface Words {
  app: string;
  router: string;
  upstreams: string[];
}

/**
 * The gate first in every `reverse_proxy` of the app; the app itself is used while nobody listens at the gate. What was
 * replaced for that is kept in the mark of the gate itself, so that it can be put back by whoever finds it.
 */
export function withGate(config: Config, words: Words): { config: Config; count: number } {
  const copy = withoutGate(config, words.app).config;
  let count = 0;
  for (const handler of handlers(copy)) {
    if (handler.upstreams.length === 0 || !handler.upstreams.every(({ dial }) => words.upstreams.includes(dial ?? '')))
      continue;
    const { load_balancing, health_checks } = handler;
    const gate = { '@id': idOf(words.app, count++, { load_balancing, health_checks }), dial: words.router };
    handler.upstreams = [gate, ...handler.upstreams];
    handler.load_balancing = { selection_policy: { policy: 'first' }, retries: 3 };
    handler.health_checks = { passive: { fail_duration: '1s' } };
  }
  return { config: copy, count };
}

export function withoutGate(config: Config, app: string): { config: Config; count: number } {
  const copy = structuredClone(config);
  let count = 0;
  for (const handler of handlers(copy)) {
    const gate = handler.upstreams.find(({ '@id': id }) => id?.startsWith(prefix(app)));
    if (!gate) continue;
    count++;
    handler.upstreams = handler.upstreams.filter((one) => one !== gate);
    const replaced = replacedIn(gate['@id']!);
    for (const key of ['load_balancing', 'health_checks'] as const) {
      if (replaced[key] === undefined) delete handler[key];
      else handler[key] = replaced[key];
    }
  }
  return { config: copy, count };
}

export const isWith = (config: Config, words: Words): boolean =>
  isDeepStrictEqual(withGate(config, words).config, config);

type Replaced = Pick<Handler, 'load_balancing' | 'health_checks'>;

const prefix = (app: string): string => `storky:${app}:`;

const idOf = (app: string, n: number, replaced: Replaced): string =>
  `${prefix(app)}${n}:${Buffer.from(JSON.stringify(replaced)).toString('base64url')}`;

const replacedIn = (id: string): Replaced => JSON.parse(Buffer.from(id.split(':')[3]!, 'base64url').toString());

function* handlers(config: Config): Generator<Handler> {
  if (config === null || typeof config !== 'object') return;
  const here = config as Partial<Handler>;
  if (here.handler === 'reverse_proxy' && Array.isArray(here.upstreams)) yield here as Handler;
  for (const inner of Object.values(config)) yield* handlers(inner as Config);
}

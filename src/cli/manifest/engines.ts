import type { AppView } from '../../protocol/app-record/record.ts';
import type { RegionInfo } from '../../protocol/region-contract.ts';
import type { Manifest } from './read.ts';
import { closest } from './suggest.ts';

type Wrong = { path: (string | number)[]; detail: string };

/**
 * What only the region knows of a manifest: which engines it has. Addons that the app has already are not asked for again.
 * @throws StorkyError bad_manifest
 */
export function checkEngines({ record, refuse }: Manifest, { engines, address }: RegionInfo, app?: AppView): void {
  const here = app?.record.addons.map(({ name }) => name) ?? [];
  const { region } = address;
  refuse(
    record.addons.flatMap((addon, index): Wrong[] => {
      if (here.includes(addon.name)) return [];
      const wrong = (part: 'engine' | 'version' | 'plan', detail: string) => [
        { path: ['addons', index, part], detail },
      ];
      const external = addon.address !== undefined;
      const possible = engines.filter(({ versions }) => external || versions.length > 0);
      const engine = possible.find((one) => one.engine === addon.engine);
      if (!engine) return wrong('engine', noEngine(addon.engine, engines, possible, region));
      if (external) return [];
      if (addon.version !== null && !engine.versions.includes(addon.version))
        return wrong(
          'version',
          `${region} has no ${addon.engine} ${addon.version}; it has ${engine.versions.join(', ')}`,
        );
      if (!engine.plans.includes(addon.plan))
        return wrong('plan', `${addon.engine} has no plan ${addon.plan}; there is ${engine.plans.join(', ')}`);
      return [];
    }),
  );
}

type Engines = RegionInfo['engines'];

function noEngine(typed: string, known: Engines, possible: Engines, region: string): string {
  const names = possible.map(({ engine }) => engine);
  const there = names.length > 0 ? `${region} has ${names.join(', ')}` : `${region} has none`;
  if (known.some(({ engine }) => engine === typed)) return `${typed} is not installed; ${there}`;
  const near = closest(typed, names);
  return [`there is no engine ${typed}`, near ? `did you mean ${near}?` : '', there].filter(Boolean).join('; ');
}

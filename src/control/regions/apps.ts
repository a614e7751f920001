import type { AppView } from '../../protocol/app-record/record.ts';
import { StorkyError } from '../../protocol/errors.ts';
import type { RegionCalls } from '../../region/link/region-client.ts';
import type { RegionTable } from '../state/regions.ts';
import type { Agents } from './agents.ts';
import { within } from './within.ts';

const listMs = 5_000;

/** Finds apps across the regions. */
export class Apps {
  readonly #regions: RegionTable;
  readonly #agents: Agents;

  constructor(regions: RegionTable, agents: Agents) {
    this.#regions = regions;
    this.#agents = agents;
  }

  async in(region: string): Promise<RegionCalls> {
    return (await this.#agents.of(region)).calls;
  }

  /** In one region, or in all that answer. */
  async list(region?: string): Promise<AppView[]> {
    if (region) return (await this.in(region)).apps.list();
    return (await this.#everywhere()).apps;
  }

  /** The region of an app: the one named, else the only one where it is active; after a move the old home has it too. */
  async regionOf(app: string, region?: string): Promise<string> {
    if (region) return region;
    const { apps, silent } = await this.#everywhere();
    const homes = apps.filter((view) => view.name === app);
    const candidates = homes.some((view) => view.role === 'active') ? homes.filter((v) => v.role === 'active') : homes;
    if (candidates.length === 1) return candidates[0]!.region;
    if (candidates.length > 1)
      throw new StorkyError('app_in_several_regions', {
        app,
        regions: candidates.map((view) => view.region).join(' and '),
      });
    if (silent) throw silent;
    throw new StorkyError('unknown_app', { app, region: 'any region' });
  }

  async #everywhere(): Promise<{ apps: AppView[]; silent: StorkyError | undefined }> {
    const regions = (await this.#regions.list()).filter((row) => row.address);
    const answers = await Promise.allSettled(
      regions.map(async ({ name }) => within(listMs, (await this.in(name)).apps.list())),
    );
    const silent = answers.find((answer) => answer.status === 'rejected');
    return {
      apps: answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : [])),
      silent: silent && StorkyError.from(silent.reason),
    };
  }
}

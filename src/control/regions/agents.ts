import { StorkyError } from '../../protocol/errors.ts';
import type { RegionAddress } from '../../protocol/region-contract.ts';
import { connectRegion, type RegionClient } from '../../region/link/region-client.ts';
import type { Identity } from '../../region/link/tls.ts';
import type { RegionTable } from '../state/regions.ts';
import type { Tunnels } from './tunnels.ts';

/** The open connections to the regions' agents, one client each, replaced when a region enrols anew at another address. */
export class Agents {
  readonly #regions: RegionTable;
  readonly #identity: Identity;
  readonly #tunnels: Tunnels;
  readonly #clients = new Map<string, { address: string; client: RegionClient }>();

  constructor(regions: RegionTable, identity: Identity, tunnels: Tunnels) {
    this.#regions = regions;
    this.#tunnels = tunnels;
    this.#identity = identity;
  }

  /** Throws `unknown_region`, or `region_unreachable` where no agent has enrolled yet. Connects at the first call. */
  async of(region: string): Promise<RegionClient> {
    const row = await this.#regions.find(region);
    if (!row) throw new StorkyError('unknown_region', { region });
    if (!row.address)
      throw new StorkyError('region_unreachable', { region, address: '?', detail: 'its agent has not enrolled yet' });
    return this.#at(await this.#tunnels.reach({ ...row, address: row.address }));
  }

  async close(): Promise<void> {
    await Promise.all([...this.#clients.values()].map(({ client }) => client.close()));
    this.#clients.clear();
    await this.#tunnels.close();
  }

  /** The region is gone. */
  async forget(region: string): Promise<void> {
    const known = this.#clients.get(region);
    this.#clients.delete(region);
    await known?.client.close();
    await this.#tunnels.forget(region);
  }

  #at(address: RegionAddress): RegionClient {
    const where = JSON.stringify(address);
    const known = this.#clients.get(address.region);
    if (known?.address === where) return known.client;
    void known?.client.close();
    const client = connectRegion(this.#identity, address);
    this.#clients.set(address.region, { address: where, client });
    return client;
  }
}

import type { RegionAddress } from '../../protocol/region-contract.ts';
import { openTunnel, type Tunnel } from '../../ssh/tunnel.ts';
import type { RegionRow } from '../state/regions.ts';

/** Ways to agents whose ports the server cannot reach by itself, opened at the first call and again when they are lost. */
export class Tunnels {
  readonly #folder: string;
  readonly #open = new Map<string, { to: string; tunnel: Promise<Tunnel> }>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Where the server reaches the agent. Throws `ssh_failed`. */
  async reach({ name, address, ssh }: RegionRow & { address: RegionAddress }): Promise<RegionAddress> {
    if (!ssh?.tunnel) return address;
    const to = JSON.stringify([ssh, address.port]);
    const known = this.#open.get(name);
    if (known?.to === to && (await isAlive(known.tunnel)))
      return { ...address, ...loopback((await known.tunnel).port) };
    if (known && this.#open.get(name) === known) {
      this.#open.delete(name);
      void known.tunnel.then((tunnel) => tunnel.close()).catch(() => {});
    }
    const current = this.#open.get(name) ?? { to, tunnel: openTunnel(this.#folder, name, ssh, address.port) };
    this.#open.set(name, current);
    return { ...address, ...loopback((await current.tunnel).port) };
  }

  async forget(name: string): Promise<void> {
    const known = this.#open.get(name);
    this.#open.delete(name);
    await known?.tunnel.then((tunnel) => tunnel.close()).catch(() => {});
  }

  async close(): Promise<void> {
    await Promise.all([...this.#open.keys()].map((name) => this.forget(name)));
  }
}

const loopback = (port: number) => ({ host: '127.0.0.1', port });

const isAlive = (tunnel: Promise<Tunnel>): Promise<boolean> =>
  tunnel.then(
    ({ alive }) => alive,
    () => false,
  );

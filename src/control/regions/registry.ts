import type { RegionView } from '../../protocol/control-contract.ts';
import { StorkyError } from '../../protocol/errors.ts';
import type { RegionAddress } from '../../protocol/region-contract.ts';
import type { SshReach } from '../../protocol/ssh-reach.ts';
import type { Authority } from '../authority/authority.ts';
import type { MigrationTable } from '../state/migrations.ts';
import type { RegionRow, RegionTable } from '../state/regions.ts';
import { hashSecret, newSecret } from '../state/secrets.ts';
import type { Agents } from './agents.ts';
import { within } from './within.ts';

const tokenLifeMs = 24 * 60 * 60 * 1000;
const probeMs = 2_000;
/** Names that certificates of the server bear, or that host names of it may be. */
const reserved = /^(storky-.*|localhost)$/;

export interface RegistryParts {
  regions: RegionTable;
  migrations: MigrationTable;
  authority: Authority;
  agents: Agents;
}

/** The regions that the server knows. */
export class Registry {
  readonly #parts: RegistryParts;

  constructor(parts: RegistryParts) {
    this.#parts = parts;
  }

  async list(): Promise<RegionView[]> {
    return Promise.all((await this.#parts.regions.list()).map((row) => this.#view(row)));
  }

  /** A token that enrols one agent, once, within a day; asked for a known region, a new one, to enrol its agent again. */
  async add(name: string, ssh?: SshReach): Promise<{ name: string; token: string; expiresAt: string }> {
    if (reserved.test(name))
      throw new StorkyError('bad_request', { field: 'name', detail: `${name} is a reserved name` });
    const secret = newSecret();
    const expiresAt = new Date(Date.now() + tokenLifeMs);
    await this.#parts.regions.invite(name, hashSecret(secret), expiresAt, ssh);
    return {
      name,
      token: `sty_enrol_${secret}.${this.#parts.authority.fingerprint}`,
      expiresAt: expiresAt.toISOString(),
    };
  }

  /** The request is signed before the token is spent, so that a broken request costs no token. */
  async enrol(request: { token: string; csr: string; address: Omit<RegionAddress, 'region'> }) {
    const hash = hashSecret(secretIn(request.token));
    const region = await this.#parts.regions.invited(hash);
    if (!region) throw new StorkyError('token_used', { region: '<name>' });
    const certificate = await this.#parts.authority.signAgent(request.csr, region);
    if ((await this.#parts.regions.enrol(hash, request.address)) !== region)
      throw new StorkyError('token_used', { region });
    return { region, certificate, ca: this.#parts.authority.certificate };
  }

  /** Refused while the region has apps, or is part of a migration. An unreachable one can be removed: it may be gone. */
  async remove(name: string): Promise<void> {
    const row = await this.#parts.regions.find(name);
    if (!row) throw new StorkyError('unknown_region', { region: name });
    const [migration] = await this.#parts.migrations.touching(name);
    if (migration)
      throw new StorkyError('region_in_use', {
        region: name,
        detail: `migration ${migration.migration.id} is not finished`,
      });
    const apps = row.address ? await this.#appsIn(name) : [];
    if (apps.length > 0) throw new StorkyError('region_in_use', { region: name, detail: `it has ${apps.join(', ')}` });
    await this.#parts.regions.remove(name);
    await this.#parts.agents.forget(name);
  }

  async #appsIn(name: string): Promise<string[]> {
    const { calls } = await this.#parts.agents.of(name);
    const apps = await within(probeMs, calls.apps.list()).catch(() => []);
    return apps.map((app) => app.name);
  }

  async #view({ name, address, ssh }: RegionRow): Promise<RegionView> {
    const region = { name, address, info: null, detail: null, ssh: ssh?.destination ?? null };
    if (!address) return { ...region, status: 'awaiting-agent' };
    try {
      const { calls } = await this.#parts.agents.of(name);
      return { ...region, status: 'reachable', info: await within(probeMs, calls.info()) };
    } catch (error) {
      return { ...region, status: 'unreachable', detail: StorkyError.from(error).message };
    }
  }
}

/** `sty_enrol_<secret>.<fingerprint>`: the fingerprint is for the agent. */
const secretIn = (token: string): string => /^sty_enrol_([^.]+)/.exec(token)?.[1] ?? '';

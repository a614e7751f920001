import { readFileSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { arch, availableParallelism, freemem, platform, totalmem } from 'node:os';
import type { DatabaseEngine } from '../../drivers/database/contract.ts';
import type { RegionAddress, RegionInfo } from '../../protocol/region-contract.ts';

/** Raised when agents, or agent and server, of before and after would misunderstand each other. */
export const protocolVersion = 1;

export interface RegionFacts {
  address: RegionAddress;
  dataFolder: string;
  publicHttpPort: number;
  publicHttpsPort: number | null;
  runtimes: string[];
  engines(): Promise<DatabaseEngine[]>;
}

/** What this region has and can do, now. */
export async function regionInfo(facts: RegionFacts): Promise<RegionInfo> {
  const disk = await statfs(facts.dataFolder);
  const engines = await facts.engines();
  return {
    address: facts.address,
    version,
    protocol: protocolVersion,
    platform: platform(),
    arch: arch(),
    libc: libc(),
    cpus: availableParallelism(),
    memoryBytes: totalmem(),
    freeMemoryBytes: availableMemory(),
    // What an account that is not root may still use.
    diskFreeBytes: disk.bavail * disk.bsize,
    publicHttpPort: facts.publicHttpPort,
    publicHttpsPort: facts.publicHttpsPort,
    runtimes: facts.runtimes,
    engines: await Promise.all(engines.map(describe)),
  };
}

async function describe(engine: DatabaseEngine): Promise<RegionInfo['engines'][number]> {
  const plans = engine.plans().map(({ name }) => name);
  return { engine: engine.engine, versions: await engine.versions(), plans };
}

/** Node's own report tells it; the network's state, which takes long to ask for, is left out of it. */
function libc(): string | null {
  (process.report as { excludeNetwork?: boolean }).excludeNetwork = true; // the types do not know it yet
  const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } };
  return header.glibcVersionRuntime ? `glibc ${header.glibcVersionRuntime}` : null;
}

/** The page cache counts as free: the kernel gives it up when an app asks. */
function availableMemory(): number {
  const available = platform() === 'linux' && /^MemAvailable:\s+(\d+) kB$/m.exec(readFileSync('/proc/meminfo', 'utf8'));
  return available ? Number(available[1]) * 1024 : freemem();
}

const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

import type { RegionInfo } from '../../protocol/region-contract.ts';
import { defineCommand } from '../command.ts';
import { status } from '../show/status.ts';
import { table } from '../show/table.ts';
import { bytes } from '../show/units.ts';

export const regions = defineCommand({
  name: 'regions',
  group: 'Regions',
  summary: 'List the regions and what they can run',
  args: {},
  options: {},
  needs: 'server',
  async run({ paint, server }) {
    const list = await server.api.regions.list();
    const rows = list.map(({ name, status: state, address, info, detail }) => [
      name,
      status(state, paint),
      address ? `${address.host}:${address.port}` : '–',
      enginesOf(info) || '–',
      info ? `${bytes(info.diskFreeBytes)} disk, ${bytes(info.freeMemoryBytes)} memory` : (detail ?? '–'),
    ]);
    const text = rows.length
      ? table(['Region', 'Status', 'Agent', 'Engines', 'Free'], rows, paint.dim)
      : 'No regions yet. Add one with `storky regions-add <name>`.';
    return { data: list, text };
  },
});

/** Those that it can run; what is not installed has no versions. */
const enginesOf = (info: RegionInfo | null): string =>
  (info?.engines ?? [])
    .filter(({ versions }) => versions.length > 0)
    .map(({ engine, versions }) => `${engine} ${versions.join(', ')}`)
    .join('; ');

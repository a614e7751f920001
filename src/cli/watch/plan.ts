import type { Migration } from '../../protocol/migration.ts';
import type { Paint } from '../show/paint.ts';
import { table } from '../show/table.ts';
import { bytes, duration } from '../show/units.ts';

/** Of a link that carries so many bits a second, what a stream of data gets. */
const useful = 0.9;
const links = [
  ['100 Mbit/s', 100e6],
  ['1 Gbit/s', 1e9],
] as const;

/** What would be carried, how, and how long its way takes on a link; the source's own speed may make it longer. */
export function planText({ report, copyLimit }: Migration, paint: Paint): string {
  const rows = report.stores.map(({ name, carrier, detail, measuredBytes = 0 }) => [
    `  ${name}`,
    carrier,
    detail.split(',')[0]!,
    bytes(measuredBytes),
  ]);
  const total = report.stores
    .filter(({ carrier }) => carrier === 'live' || carrier === 'backup')
    .reduce((sum, { measuredBytes = 0 }) => sum + measuredBytes, 0);
  const times = links.map(([link, bits]) => {
    const rate = Math.min((bits / 8) * useful, copyLimit ?? Number.POSITIVE_INFINITY);
    return `${duration((total / rate) * 1000)} at ${link}`;
  });
  return [
    table(['  Data', 'Carrier', 'What', 'Size'], rows, paint.dim),
    `${paint.bold('To copy:')} ${bytes(total)}, which takes at least ${times.join(', ')}.`,
  ].join('\n');
}

import { createHash } from 'node:crypto';
import type { Dialect } from './dialect/dialect.ts';
import type { Share } from './external/share.ts';
import { appSchema } from './names.ts';
import type { Client } from './wire/connect.ts';

const question =
  (share: Share | undefined) =>
  ([table, schema, columns]: Dialect['structureParts'][number]) =>
    `SELECT MD5(CONCAT_WS('\\t', ${marked(columns)})) AS h FROM information_schema.${table} WHERE ${appSchema(schema, share)} ORDER BY h`;

/** One hash over the catalog. */
export async function fingerprintOf(client: Client): Promise<string> {
  const hash = createHash('sha256');
  const parts = client.dialect.structureParts;
  const answers = await client.batch(...parts.map(question(client.share)));
  for (const [n, rows] of answers.entries()) hash.update(`${parts[n]![0]}\n${rows.map(({ h }) => h).join('\n')}\n`);
  return hash.digest('hex');
}

/** Columns with a word for NULL, so that it is not skipped. Splits at top-level commas only. */
function marked(columns: string): string {
  return columns
    .split(/,(?![^(]*\))/)
    .map((column) => `COALESCE(${column.trim()}, '\\\\N')`)
    .join(', ');
}

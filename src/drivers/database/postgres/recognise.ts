import type { ContainerImage } from '../contract.ts';
import { nameAndTag, versionOf } from '../image.ts';

/** The official image and what is built upon it. `PG_MAJOR` is the official one's; another uses `PG_VERSION`. */
const images = ['postgres', 'postgresql', 'postgis', 'pgvector', 'timescaledb', 'timescaledb-ha', 'paradedb'];

export function recognise(image: ContainerImage): { version: string | null } | undefined {
  if (!images.includes(nameAndTag(image.reference).name) && image.environment.PGDATA === undefined) return undefined;
  return { version: versionOf(image, ['PG_MAJOR', 'PG_VERSION'], 1) };
}

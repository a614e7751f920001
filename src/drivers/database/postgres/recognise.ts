import type { ContainerImage, Recognised } from '../contract.ts';
import { nameAndTag, versionOf } from '../image.ts';

/** The official image and what is built upon it. `PG_MAJOR` is the official one's; another uses `PG_VERSION`. */
const images = ['postgres', 'postgresql', 'postgis', 'pgvector', 'timescaledb', 'timescaledb-ha', 'paradedb'];

const usualData = '/var/lib/postgresql';

export function recognise(image: ContainerImage): Recognised | undefined {
  if (!images.includes(nameAndTag(image.reference).name) && image.environment.PGDATA === undefined) return undefined;
  const data = [image.environment.PGDATA ?? usualData, usualData, '/bitnami/postgresql'];
  return { version: versionOf(image, ['PG_MAJOR', 'PG_VERSION'], 1), data };
}

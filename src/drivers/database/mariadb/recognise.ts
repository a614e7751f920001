import type { ContainerImage, Recognised } from '../contract.ts';
import { nameAndTag, versionOf } from '../image.ts';

const images: Record<string, string[]> = { mariadb: ['mariadb'], mysql: ['mysql', 'mysql-server'] };
const variables: Record<string, string[]> = {
  mariadb: ['MARIADB_VERSION'],
  mysql: ['MYSQL_VERSION', 'MYSQL_MAJOR'],
};

/** For the engine of that name. */
export const recogniseAs =
  (engine: string) =>
  (image: ContainerImage): Recognised | undefined =>
    images[engine]?.includes(nameAndTag(image.reference).name)
      ? { version: versionOf(image, variables[engine] ?? [], 2), data: ['/var/lib/mysql', '/bitnami/mariadb'] }
      : undefined;

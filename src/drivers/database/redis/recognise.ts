import type { ContainerImage, Recognised } from '../contract.ts';
import { nameAndTag, versionOf } from '../image.ts';

const images = ['redis', 'redis-stack', 'redis-stack-server', 'valkey'];

export function recognise(image: ContainerImage): Recognised | undefined {
  if (!images.includes(nameAndTag(image.reference).name)) return undefined;
  return { version: versionOf(image, ['REDIS_VERSION', 'VALKEY_VERSION'], 2), data: ['/data', '/bitnami/redis'] };
}

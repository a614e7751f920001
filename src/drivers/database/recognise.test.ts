import { expect, test } from 'vitest';
import { databaseEngines } from '../registry.ts';

const recognised = async (reference: string, environment: Record<string, string> = {}) => {
  for (const { engine, recognise } of await databaseEngines()) {
    const found = recognise?.({ reference, environment });
    if (found) return `${engine} ${found.version}`;
  }
  return null;
};

test.each([
  ['postgres:15-alpine', {}, 'postgresql 15'],
  ['postgis/postgis:16-3.4', { PG_MAJOR: '16' }, 'postgresql 16'],
  ['registry.example:5000/team/pgvector:pg17', { PG_MAJOR: '17' }, 'postgresql 17'],
  ['docker.io/bitnami/postgresql:14.9.0', {}, 'postgresql 14'],
  ['our-own:latest', { PGDATA: '/data', PG_VERSION: '13.11-1.pgdg120+1' }, 'postgresql 13'],
  ['mariadb@sha256:0123456789abcdef', { MARIADB_VERSION: '1:10.11.6+maria~ubu2204' }, 'mariadb 10.11'],
  ['mysql:8.0', {}, 'mysql 8.0'],
  ['redis', {}, 'redis null'],
  ['valkey/valkey:8.0-alpine', {}, 'redis 8.0'],
  ['redis-exporter:1.2', {}, null],
  ['nginx:1.25', {}, null],
])('%s with %o is %s', async (reference, environment, is) => {
  expect(await recognised(reference, environment as Record<string, string>)).toBe(is);
});

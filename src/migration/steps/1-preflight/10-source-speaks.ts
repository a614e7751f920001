import type { Check } from '../../check.ts';

/** What only the source can see, such as environment values that name the old host. */
export const sourceSpeaks: Check = {
  id: 'source-speaks',
  name: 'The settings do not name the old host',
  ask: ({ source, migration }) => source.source.check({ app: migration.srcAppName }),
};

/** Storky's own account: exempt from the seal, and from nothing else. */
export const adminUser = 'storky_admin';

/** Account under which one migration's target reads and follows. */
export function replicationUser(migration: string): string {
  return `storky_r_${migration
    .replaceAll(/[^0-9a-z]/gi, '')
    .toLowerCase()
    .slice(0, 32)}`;
}

export const isOurUser = (name: string): boolean => name.startsWith('storky_');

/** A shard channel: what an app subscribes to by pattern never sees it, and the stream carries it to replicas. */
export const markerChannel = 'storky:marker';

/** Nobody listens there: a server told to replicate from it keeps what it has and refuses writes. */
export const nowhere = { host: '127.0.0.1', port: 1 } as const;

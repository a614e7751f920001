import { networkInterfaces } from 'node:os';
import { z } from 'zod';

interface HostAndPort {
  host: string;
  port: number;
}

/** `127.0.0.1:8600`, `[::1]:8600`, or `:8600`, which means every address of the machine. */
export const listen = (usual: string) =>
  z
    .string()
    .default(usual)
    .transform((text): HostAndPort | null => {
      const found = /^(\[[0-9a-f:]+\]|[^:]*):(\d{1,5})$/i.exec(text);
      if (!found) return null;
      return { host: found[1]!.replace(/^\[|\]$/g, '') || '0.0.0.0', port: Number(found[2]) };
    })
    .refine((value) => value !== null && value.port < 65_536, 'write it as host:port, such as 127.0.0.1:8600')
    .transform((value) => value!);

export const port = (usual: number) => z.coerce.number().int().min(0).max(65_535).default(usual);

const everywhere = (host: string) => host === '0.0.0.0' || host === '::';

/** A host under which others can reach what listens on `host`: for every address, the machine's first outer one. */
export function reachableHost(host: string): string {
  if (!everywhere(host)) return host;
  const addresses = Object.values(networkInterfaces()).flatMap((all) => all ?? []);
  return addresses.find(({ family, internal }) => family === 'IPv4' && !internal)?.address ?? '127.0.0.1';
}

import { z } from 'zod';

const Address = z.object({ host: z.string().default('127.0.0.1'), port: z.number().int().min(0).max(65_535) });

export const CertificateFiles = z.object({ cert: z.string(), key: z.string(), ca: z.string() });
/** Paths of PEM files: this region's certificate, its key, and the authority that signed it. */
export type CertificateFiles = z.infer<typeof CertificateFiles>;

/** What the agent hands to the router when it starts it. Port 0 takes a free one, which is kept from then on. */
export const RouterConfig = z.object({
  region: z.string(),
  stateFile: z.string(),
  socketPath: z.string(),
  http: Address,
  https: Address.optional(),
  /** Where other regions' routers forward to. */
  ingress: Address.extend(CertificateFiles.shape),
  /** Addresses or networks of proxies in front, whose X-Forwarded-Proto and -Host are believed. */
  trustedProxies: z.array(z.string()).default(['127.0.0.0/8', '::1']),
});
export type RouterConfig = z.infer<typeof RouterConfig>;

/** Those really bound. */
export const Ports = z.object({
  http: z.number().int(),
  https: z.number().int().nullable(),
  ingress: z.number().int(),
});
export type Ports = z.infer<typeof Ports>;

import type { AppRecord } from '../../protocol/app-record/record.ts';

export interface HostNames {
  /** Names of this region end in it: `shop.osc-fr1.localhost`. */
  domain: string;
  publicUrl(host: string): string;
}

export const defaultHost = (app: string, domain: string): string => `${app}.${domain}`.toLowerCase();
export const previewHost = (app: string, domain: string): string => `preview.${app}.${domain}`.toLowerCase();

export const hostsOf = (record: AppRecord, domain: string): string[] => [
  ...new Set([defaultHost(record.name, domain), ...record.domains.map(({ name }) => name)]),
];

import type { Project } from '../../protocol/app-record/project.ts';
import type { AppRecord } from '../../protocol/app-record/record.ts';

const mask = '********';

/** The record as it may leave the agent: no values of the environment, keys, or tokens in addresses. */
export function masked(record: AppRecord): AppRecord {
  return {
    ...record,
    environment: Object.fromEntries(Object.keys(record.environment).map((name) => [name, mask])),
    addons: record.addons.map((addon) => ({
      ...addon,
      ...(addon.address !== undefined && { address: maskedUrl(addon.address) }),
      ...(addon.password !== undefined && { password: mask }),
    })),
    domains: record.domains.map((domain) => ({ ...domain, key: domain.key && mask })),
    logDrains: record.logDrains.map((drain) => ({ ...drain, url: maskedUrl(drain.url) })),
    notifiers: record.notifiers.map((notifier) => ({
      ...notifier,
      webhookUrl: notifier.webhookUrl && maskedUrl(notifier.webhookUrl),
    })),
    scm: record.scm && { ...record.scm, source: maskedAccess(record.scm.source) },
    project: record.project && withoutWords(record.project),
    source:
      record.source.type === 'git'
        ? { ...record.source, repository: maskedAccess(record.source.repository) }
        : record.source,
  };
}

/** What the engine alone has to understand holds the environment of every container. */
function withoutWords(project: Project): Project {
  return {
    ...project,
    networks: project.networks.map(({ name }) => ({ name, spec: {} })),
    mounts: project.mounts.map((mount) => ({ ...mount, spec: {} })),
    services: project.services.map((service) => ({
      ...service,
      containers: service.containers.map((one) => ({ ...one, spec: {}, networks: [] })),
    })),
  };
}

/** Scheme and host stay. A webhook's path is its password, and so is a drain's query. */
export function maskedUrl(text: string): string {
  const [, start, host, rest] = /^([a-z][a-z0-9+.-]*:\/\/)(?:[^/?#]*@)?([^/?#]*)(.*)$/is.exec(text) ?? [];
  if (start === undefined) return mask;
  const access = start.length + host!.length + rest!.length < text.length ? `${mask}@` : '';
  return `${start}${access}${host}${rest === '' || rest === '/' ? rest : `/${mask}`}`;
}

/** A repository's path is no secret; a token before its host is. */
function maskedAccess(text: string): string {
  return text.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/?#]*@/i, `$1${mask}@`);
}

import type { Authority } from '../authority/authority.ts';
import type { Migrations } from '../migrations/service.ts';
import type { Agents } from '../regions/agents.ts';
import type { Apps } from '../regions/apps.ts';
import type { Registry } from '../regions/registry.ts';
import type { AuditTable } from '../state/audit.ts';
import type { TokenTable } from '../state/tokens.ts';

/** What the API stands on. */
export interface ApiParts {
  authority: Authority;
  registry: Registry;
  agents: Agents;
  apps: Apps;
  migrations: Migrations;
  tokens: TokenTable;
  audit: AuditTable;
}

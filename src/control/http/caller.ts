import type { IncomingMessage } from 'node:http';
import { StorkyError } from '../../protocol/errors.ts';
import type { TokenTable } from '../state/tokens.ts';

/** Who calls: the name of the token, or null for somebody without one. */
export interface Caller {
  who: string | null;
}

export async function callerOf(request: IncomingMessage, tokens: TokenTable): Promise<Caller> {
  const token = /^Bearer (\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
  return { who: token ? ((await tokens.who(token)) ?? null) : null };
}

export function named({ who }: Caller): string {
  if (who === null) throw new StorkyError('unauthorized');
  return who;
}

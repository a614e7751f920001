import type { Client } from './connect.ts';

export type Info = Readonly<Record<string, string>>;

/** What the server says of itself. Without sections: the usual ones. Answered while it loads, too. */
export async function infoOf(client: Client, ...sections: string[]): Promise<Info> {
  return parseInfo((await client.call('INFO', ...sections)) as string);
}

export function parseInfo(text: string): Info {
  const lines = text.split('\r\n').filter((line) => line.includes(':'));
  return Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]));
}

/** Numbers of the databases that hold keys, and how many each. */
export function keyspaceOf(info: Info): { db: number; keys: number }[] {
  return Object.entries(info).flatMap(([name, value]) => {
    const db = /^db(\d+)$/.exec(name)?.[1];
    return db === undefined ? [] : [{ db: Number(db), keys: Number(/keys=(\d+)/.exec(value)?.[1] ?? 0) }];
  });
}

/** Where a master's stream is: an offset means something only together with the history it counts in. */
export interface Position {
  history: string;
  offset: number;
}

export const positionOf = (info: Info): Position => ({
  history: info.master_replid ?? '',
  offset: Number(info.master_repl_offset),
});

export const samePosition = (a: Position, b: Position): boolean => a.history === b.history && a.offset === b.offset;

import { ask, type Client, type Command } from '../wire/connect.ts';

/** Not for this account: a right is missing. */
const lacksRight = (error: Error): boolean => error.message.startsWith('NOPERM');

/** Not for anybody: who runs the server has taken the command away, or given it another name. */
const isTakenAway = (error: Error): boolean =>
  /^ERR.*(unknown (sub)?command|command (is )?not (allowed|available|supported|permitted))/i.test(error.message);

export const isRefusal = (error: Error): boolean => lacksRight(error) || isTakenAway(error);

/** `right`: the account may not; `command`: nobody may; `transaction`: nobody knows, since it may have no transactions. */
export type Verdict = 'may' | 'right' | 'command' | 'transaction';

const verdictOf = (error: Error): Verdict => (lacksRight(error) ? 'right' : isTakenAway(error) ? 'command' : 'may');

/**
 * Which of these the account may give, found out without giving one: a transaction takes each up or refuses it, and is then
 * discarded. Where there are no transactions, nothing that needs one may be done either.
 */
export async function verdictsOn(client: Client, commands: readonly Command[]): Promise<Verdict[]> {
  if ((await verdictOn(client, ['MULTI'])) !== 'may') return commands.map(() => 'transaction');
  try {
    const verdicts: Verdict[] = [];
    for (const command of commands) verdicts.push(await verdictOn(client, command));
    return verdicts;
  } finally {
    await ask(client, 'DISCARD').catch(() => {});
  }
}

/** The command is given: it must be one that does nothing. */
export async function verdictOn(client: Client, command: Command): Promise<Verdict> {
  return await ask(client, ...command).then((): Verdict => 'may', verdictOf);
}

export async function may(client: Client, ...commands: Command[]): Promise<boolean> {
  return (await verdictsOn(client, commands)).every((verdict) => verdict === 'may');
}

/** Nothing, where it is refused. */
export async function ifAllowed<T>(work: Promise<T>): Promise<T | undefined> {
  return await work.catch((error: Error) => {
    if (isRefusal(error)) return undefined;
    throw error;
  });
}

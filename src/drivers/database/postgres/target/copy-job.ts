import type { Report, SourceEndpoint } from '../../../store.ts';
import type { DatabaseInstance } from '../../contract.ts';
import { storkySchema } from '../names.ts';
import type { CopyTicket } from '../ticket.ts';
import type { Client } from '../wire/connect.ts';

export interface CopyJob {
  instance: DatabaseInstance;
  ticket: CopyTicket;
  from: SourceEndpoint;
  report: Report;
  signal: AbortSignal;
}

/** Was this part of the copy committed, in this run or an earlier one? */
export async function stepDone(target: Client, step: string): Promise<boolean> {
  const { rowCount } = await target.query(`SELECT FROM ${storkySchema}.copy_step WHERE step = $1`, [step]);
  return rowCount! > 0;
}

import type { GateOrder, Standing } from '../contract.ts';

/** A program of the host that changes packet rules. */
export interface Tool {
  readonly name: string;
  /** Why it cannot be used here; undefined where it can. */
  unusable(): Promise<string | undefined>;
  /** All rules in one transaction, in the place of those that are there. They do nothing before `renew`. */
  insert(order: GateOrder): Promise<void>;
  /** Throws where the rules are not there. */
  renew(order: GateOrder): Promise<void>;
  lapse(order: GateOrder): Promise<void>;
  verify(order: GateOrder): Promise<Standing>;
  /** In one transaction; nothing happens where there is nothing of this app. */
  remove(app: string): Promise<void>;
}

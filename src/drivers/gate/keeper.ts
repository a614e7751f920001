import { setTimeout as sleep } from 'node:timers/promises';
import { knock } from '../../base/knock.ts';
import { log } from '../../base/log.ts';
import { type GateDriver, type GateOrder, gateLifeMs } from './contract.ts';

export interface KeptGate {
  /** Resolves when the gate is in for the first time; rejects where it cannot be. */
  readonly inserted: Promise<void>;
  /** The router has ended: traffic flows past it from now on, until it accepts connections again. */
  routerGone(): void;
  /** Nobody keeps it any more. It is not taken out: the next agent goes on, or `remove` follows, or its life ends. */
  release(): Promise<void>;
}

/** Keeps the gate in for as long as every port of the router accepts connections, and puts it in again where it was lost. */
export function keepGate(driver: GateDriver, order: GateOrder): KeptGate {
  const released = new AbortController();
  let wake = new AbortController();
  let inserted: PromiseWithResolvers<void> | undefined = Promise.withResolvers();
  inserted.promise.catch(() => {});
  const first = inserted.promise;
  let rounds = 0;
  const work = run();
  return {
    inserted: first,
    routerGone: () => wake.abort(),
    release: async () => {
      released.abort();
      await work;
    },
  };

  async function run(): Promise<void> {
    let failing = false;
    while (!released.signal.aborted) {
      try {
        await round();
        inserted?.resolve();
        inserted = undefined;
        failing = false;
      } catch (error) {
        inserted?.reject(error);
        inserted = undefined;
        if (!failing) log.warn({ app: order.app, driver: driver.name, error: String(error) }, 'the gate is not in');
        failing = true;
      }
      const signal = AbortSignal.any([released.signal, wake.signal]);
      await sleep(gateLifeMs / 6, undefined, { signal }).catch(() => {});
      if (wake.signal.aborted) wake = new AbortController();
    }
  }

  async function mend(): Promise<void> {
    if ((await driver.verify(order)) === 'in') await driver.renew?.(order);
    else await driver.insert(order);
  }

  async function round(): Promise<void> {
    if (!(await routerAccepts(order))) {
      await driver.lapse?.(order);
      throw new Error('the router does not accept connections');
    }
    if (!driver.renew || rounds++ % roundsBetweenLooks === 0) await mend();
    else await driver.renew(order).catch(mend);
  }
}

/** Somebody may have changed it: looked at every 5 s, and whenever it cannot be renewed. */
const roundsBetweenLooks = 10;

async function routerAccepts({ entries }: GateOrder): Promise<boolean> {
  const answers = await Promise.all(entries.map(({ routerPort }) => knock('127.0.0.1', routerPort, gateLifeMs / 6)));
  return answers.every((answer) => answer === 'accepts');
}

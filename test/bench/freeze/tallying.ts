import { Tallying, type TallyingOptions } from '../../tally/visitors.ts';
import { serve } from '../child.ts';

let visitors: Tallying;

/** The visitors of the app with every kind of store, in a process of their own. */
const api = {
  start(url: string, options: TallyingOptions): void {
    visitors = new Tallying(url, options);
  },
  retarget(url: string): void {
    visitors.retarget(url);
  },
  watch(): void {
    visitors.watch();
  },
  /** Longest time without an answer to anybody since `watch`, milliseconds. */
  async longestGapMs(): Promise<number> {
    await visitors.settled();
    return visitors.longestGapMs;
  },
  async stop(): Promise<{ acknowledged: string[]; failures: string[] }> {
    await visitors.stop();
    const { acknowledged, failures } = visitors;
    return { acknowledged, failures };
  },
};

export type Visitors = typeof api;
serve(api);

import { Pool } from 'undici';
import { serve } from '../child.ts';

/** What the writers saw since `watch`. */
export interface Seen {
  /** Longest time without any answer, milliseconds. */
  gapMs: number;
  /** Longest that one of them waited for the answer, milliseconds. */
  waitMs: number;
}

let pool: Pool;
let next = 0;
const underWay = new Set<Promise<void>>();
let failed = 0;
let lastFailure = '';
let lastAnswer = 0;
let seen: Seen = { gapMs: 0, waitMs: 0 };
let acknowledged: string[] = [];
let timer: NodeJS.Timeout | undefined;

/** Open loop: a request is sent when its time has come, whatever became of those before it. */
const api = {
  start(perSecond: number, prefix: string): void {
    const began = performance.now();
    const first = next;
    timer = setInterval(() => {
      const due = first + Math.floor(((performance.now() - began) / 1000) * perSecond);
      while (next < due) send(`${prefix}-${next++}`);
    }, 1);
  },
  /** Where they go from now on. Resolves when those who went elsewhere have their answers. */
  async to(port: number): Promise<void> {
    const before = pool as Pool | undefined;
    pool = new Pool(`http://127.0.0.1:${port}`, { connections: 512, pipelining: 1 });
    await before?.close();
  },
  watch(): void {
    seen = { gapMs: 0, waitMs: 0 };
    lastAnswer = performance.now();
  },
  /** Resolves when everybody who waits now has an answer. */
  async watched(): Promise<Seen> {
    await Promise.all(underWay);
    return seen;
  },
  /** Sends no more, waits for all answers, and gives the ids that were acknowledged since the last stop. */
  async stop(): Promise<{ acknowledged: string[]; failed: number; lastFailure: string }> {
    clearInterval(timer);
    await Promise.all(underWay);
    const ledger = { acknowledged, failed, lastFailure };
    acknowledged = [];
    failed = 0;
    return ledger;
  },
};

function send(id: string): void {
  const written = write(id).finally(() => underWay.delete(written));
  underWay.add(written);
}

async function write(id: string): Promise<void> {
  const began = performance.now();
  try {
    const answer = await pool.request({ method: 'POST', path: `/${id}`, headers: { host: 'shop.test' } });
    const text = await answer.body.text();
    if (answer.statusCode !== 200) throw new Error(`${answer.statusCode}: ${text}`);
    acknowledged.push(id);
    const now = performance.now();
    seen.gapMs = Math.max(seen.gapMs, now - lastAnswer);
    seen.waitMs = Math.max(seen.waitMs, now - began);
    lastAnswer = now;
  } catch (error) {
    failed++;
    lastFailure = String(error);
  }
}

export type Writers = typeof api;
serve(api);

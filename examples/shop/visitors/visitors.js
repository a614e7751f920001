import { LedgerBook } from './ledger.js';
import { nextRequest } from './mix.js';
import { seededRandom } from './random.js';
import { connections, send } from './send.js';
import { Statistics } from './statistics.js';
import { startWatchers } from './watchers.js';

const beatMs = 2;

const defaults = {
  rate: 250,
  writes: 0.5,
  pictures: 0.1,
  connections: 64,
  webSockets: 4,
  seed: 1,
  timeoutMs: 30_000,
  slowMs: 50,
};

/** Open loop: requests are due at their times, whether or not earlier ones were answered, and wait from then on. */
export function startVisitors(given) {
  const options = { ...defaults, ...given };
  const random = seededRandom(options.seed);
  const book = new LedgerBook(
    `v${options.seed}-${Date.now().toString(36)}${Math.floor(Math.random() * 1296).toString(36)}`,
  );
  const statistics = new Statistics(options.slowMs);
  const agent = connections(options.connections);
  const inFlight = new Set();
  let url = new URL(options.url);
  const watchers = startWatchers(options.webSockets, {
    address: () => url,
    hostHeader: options.hostHeader,
    statistics,
  });

  const startedAt = performance.now();
  let due = 0;
  const beat = setInterval(() => {
    const now = performance.now();
    for (; startedAt + (due * 1000) / options.rate <= now; due++) {
      const visit = visitOnce(startedAt + (due * 1000) / options.rate).finally(() => inFlight.delete(visit));
      inFlight.add(visit);
    }
  }, beatMs);
  const ticker = setInterval(() => {
    for (const tick of statistics.takeClosed()) options.onTick?.(tick);
  }, 1000);

  async function visitOnce(dueAt) {
    const request = nextRequest(book, random, options);
    const { write, own } = request;
    const waitedMs = () => performance.now() - dueAt;
    if (write) book.sent(write.kind, write.id, write.hash); // before it leaves: from here on it may exist
    try {
      const answer = await send(agent, url, options.hostHeader, request, options.timeoutMs);
      const wrong = wrongAnswer(request, answer);
      if (wrong && own && (answer.status === 200 || answer.status === 404)) statistics.lost.push(`${own}: ${wrong}`);
      if (wrong) return statistics.failed(waitedMs(), `${request.method} ${request.path}`, wrong);
      if (write) book.acknowledged(write.kind, write.id);
      statistics.answered(waitedMs(), { write, servedBy: answer.headers['x-served-by'] });
    } catch (error) {
      statistics.failed(waitedMs(), `${request.method} ${request.path}`, error.code ?? error.message);
    }
  }

  const summary = () => {
    const { acknowledged, pending } = book.counts;
    return {
      ...statistics.summary(),
      acknowledgedWrites: acknowledged,
      unacknowledgedWrites: pending,
      webSockets: watchers.numbers(),
    };
  };

  return {
    summary,
    ledger: () => book.toJSON(),
    retarget: (to) => {
      url = new URL(to);
    },
    async stop() {
      clearInterval(beat);
      await Promise.all(inFlight);
      clearInterval(ticker);
      const end = summary(); // while the WebSockets are still there
      watchers.stop();
      agent.destroy();
      return end;
    },
  };
}

function wrongAnswer(request, answer) {
  if (answer.status < 200 || answer.status > 299)
    return `status ${answer.status}: ${answer.body.toString().slice(0, 120)}`;
  try {
    return request.expect(answer);
  } catch (error) {
    return `not readable: ${error.message}`;
  }
}

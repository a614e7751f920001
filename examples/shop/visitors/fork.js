import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('main.js', import.meta.url));

/** Visitors in a process of their own, so that the load takes no time of the caller's event loop. */
export async function forkVisitors({ onTick, ...options }) {
  const child = fork(main, [], {
    execArgv: [],
    serialization: 'advanced',
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const ended = new Promise((_, reject) =>
    child.once('exit', (code, signal) => reject(new Error(`the visitors ended: ${signal ?? code}`))),
  );
  ended.catch(() => {});
  let latest;
  const said = (type) =>
    new Promise((resolve) => {
      child.on('message', (message) => message.type === type && resolve(message));
    });
  child.on('message', (message) => {
    latest = message;
    if (message.type === 'tick') onTick?.(message.tick);
  });
  const started = said('started');
  child.send({ type: 'start', options });
  await Promise.race([started, ended]);
  return {
    summary: () => latest.summary,
    ledger: () => {
      if (!latest.ledger) throw new Error('the ledger comes when the visitors have stopped');
      return latest.ledger;
    },
    retarget: (url) => child.send({ type: 'retarget', url }),
    async stop() {
      const stopped = said('stopped');
      child.send({ type: 'stop' });
      return (await Promise.race([stopped, ended])).summary;
    },
  };
}

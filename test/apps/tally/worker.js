import { openRedis } from './stores.js';

const redis = openRedis(process.env.REDIS_URL);
redis.on('error', (error) => console.error(error.message));
let stopping = false;
process.on('SIGTERM', () => {
  stopping = true;
});

// Each job is taken from the list and done in one transaction, so that a stop in between leaves it where it is found again.
for (const left of await redis.lrange('taken', 0, -1)) await done(left);
while (!stopping) {
  const id = await redis.blmove('jobs', 'taken', 'RIGHT', 'LEFT', 0.5);
  if (id) await done(id);
}
redis.disconnect();

async function done(id) {
  await redis.multi().lrem('taken', 1, id).incr(`done:${id}`).exec();
}

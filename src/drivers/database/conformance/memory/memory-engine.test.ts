import { conforms } from '../conformance.ts';
import { memoryEngine } from './memory-engine.ts';
import { serverAt } from './server.ts';

await conforms({
  engine: memoryEngine,
  names: { plan: 'starter-512', database: 'items', user: 'app', password: 'secret' },
  prepare: async () => {},
  async connect(instance) {
    const server = serverAt(instance);
    return {
      write: (id, value) => server.write(id, value),
      read: async (id) => server.items.get(id),
      ids: async () => [...server.items.keys()].sort((a, b) => a - b),
      close: async () => {},
    };
  },
  async corrupt(instance, id, value) {
    serverAt(instance).items.set(id, value);
  },
  endpoint: () => ({ host: 'memory', port: 0, openStream: () => Promise.reject(new Error('there is no stream')) }),
});

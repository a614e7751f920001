import { Agent, request } from 'undici';
import { StorkyError } from '../../../protocol/errors.ts';
import type { GateCheck, GateDriver, Standing } from '../contract.ts';
import { isPublished } from '../direct.ts';
import { type Config, isWith, withGate, withoutGate } from './caddy-config.ts';
import { anyOf, proxyOrder } from './place.ts';

/** Caddy in front of the app, by its admin interface: one change for all, which Caddy takes back itself if it fails. */
export const caddy: GateDriver = {
  name: 'caddy',

  async check(order): Promise<GateCheck> {
    const { app, place, upstreams, router } = proxyOrder(order, 'caddy');
    if (!isOfThisHost(place.admin))
      return {
        possible: false,
        why: `the admin interface at ${place.admin} is not that of a Caddy on this host itself`,
        remedy: 'One in a container is turned by packet rules, and need not be named.',
      };
    try {
      const { config } = await readConfig(place.admin);
      const notes = ['Caddy closes WebSockets when its configuration changes; they come back by themselves.'];
      if (withGate(config, { app, router, upstreams }).count > 0) return { possible: true, notes };
      const why = `no reverse_proxy of Caddy leads to ${anyOf(upstreams)} alone`;
      return { possible: false, why, remedy: 'Look at what Caddy has: its admin interface says it at /config/.' };
    } catch (error) {
      const remedy = 'Give the address of its admin interface as this host reaches it.';
      return { possible: false, why: `Caddy does not answer at ${place.admin}: ${(error as Error).message}`, remedy };
    }
  },

  async insert(order) {
    const { place, ...words } = proxyOrder(order, 'caddy');
    const failed = (detail: string) =>
      new StorkyError('gate_not_inserted', { app: words.app, detail: `Caddy: ${detail}` });
    await change(place.admin, failed, (config) => {
      const changed = withGate(config, words);
      if (changed.count === 0) throw failed(`no reverse_proxy leads to ${anyOf(words.upstreams)} alone`);
      return changed.config;
    });
  },

  async verify(order): Promise<Standing> {
    const { place, ...words } = proxyOrder(order, 'caddy');
    const { config } = await readConfig(place.admin);
    if (withoutGate(config, words.app).count === 0) return 'out';
    return isWith(config, words) ? 'in' : 'partly';
  },

  async remove(order) {
    const { place, app } = proxyOrder(order, 'caddy');
    const told = {
      app,
      where: `the configuration of Caddy at ${place.admin}`,
      what: `what is marked storky:${app}`,
      kept: 'that mark',
    };
    const failed = (detail: string) => new StorkyError('gate_not_removed', { ...told, detail });
    await change(place.admin, failed, (config) => withoutGate(config, app).config).catch((error) => {
      throw error instanceof StorkyError ? error : failed((error as Error).message);
    });
  },
};

/** Where it goes to loopback it must come to the gate; in a container it would come to itself, and so past the gate. */
function isOfThisHost(admin: string): boolean {
  if (admin.startsWith('unix:')) return true;
  const { hostname, port } = new URL(admin);
  return ['127.0.0.1', 'localhost', '[::1]'].includes(hostname) && !isPublished(Number(port));
}

/** Somebody else may change it at the same time: then it is read anew. */
async function change(
  admin: string,
  failed: (detail: string) => Error,
  edit: (config: Config) => Config,
): Promise<void> {
  for (let tries = 0; tries < 5; tries++) {
    const { config, text, etag } = await readConfig(admin);
    const changed = JSON.stringify(edit(config));
    if (changed === JSON.stringify(JSON.parse(text))) return;
    const headers = { 'content-type': 'application/json', 'if-match': etag };
    const { statusCode, body } = await call(admin, 'POST', changed, headers);
    if (statusCode < 300) return;
    if (statusCode !== 412) throw failed(body.trim());
  }
  throw failed('its configuration changes all the time');
}

async function readConfig(admin: string): Promise<{ config: Config; text: string; etag: string }> {
  const { statusCode, body, etag } = await call(admin, 'GET');
  if (statusCode !== 200) throw new Error(body.trim());
  return { config: JSON.parse(body) as Config, text: body, etag };
}

async function call(admin: string, method: 'GET' | 'POST', body?: string, headers?: Record<string, string>) {
  const socketPath = /^unix:(.+)$/.exec(admin)?.[1];
  const dispatcher = new Agent({ connect: { socketPath, timeout: 2_000 }, headersTimeout: 15_000 });
  try {
    const url = `${socketPath ? 'http://127.0.0.1' : admin}/config/`;
    const answer = await request(url, { method, body, headers, dispatcher });
    return { statusCode: answer.statusCode, body: await answer.body.text(), etag: String(answer.headers.etag ?? '') };
  } finally {
    await dispatcher.close();
  }
}

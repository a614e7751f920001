import { createHash } from 'node:crypto';
import { Upstream } from './upstream.ts';

const cookieName = 'storky_sticky';

/** The app's processes in this region, used in turn. */
export class Upstreams {
  #list: { upstream: Upstream; tag: string }[] = [];
  #next = 0;
  #sticky = false;

  get size(): number {
    return this.#list.length;
  }

  /** Connections to processes that stay are kept. */
  set(addresses: string[], sticky: boolean): void {
    const before = this.#list;
    this.#sticky = sticky;
    this.#list = addresses.map((address) => {
      const origin = `http://${address}`;
      const known = before.find(({ upstream }) => upstream.origin === origin);
      return known ?? { upstream: new Upstream({ origin, connectTimeoutMs: 2_000 }), tag: tagOf(address) };
    });
    for (const entry of before) if (!this.#list.includes(entry)) entry.upstream.close();
  }

  /** The one that the cookie names, where sessions are sticky; else the next. */
  pick(cookie: string | null): Upstream | undefined {
    const list = this.#list;
    if (list.length === 0) return undefined;
    const named =
      this.#sticky && cookie !== null ? list.find(({ tag }) => cookie.includes(`${cookieName}=${tag}`)) : undefined;
    if (named) return named.upstream;
    this.#next = (this.#next + 1) % list.length;
    return list[this.#next]!.upstream;
  }

  /** Adds the cookie to a response's headers, where sessions are sticky and the client does not have it yet. */
  stick(headers: string[], upstream: Upstream, cookie: string | null): void {
    if (!this.#sticky) return;
    const tag = this.#list.find((entry) => entry.upstream === upstream)?.tag;
    if (tag === undefined || cookie?.includes(`${cookieName}=${tag}`)) return;
    headers.push('Set-Cookie', `${cookieName}=${tag}; Path=/; HttpOnly; SameSite=Lax`);
  }

  close(): void {
    this.set([], false);
  }
}

/** Says nothing about addresses to who reads the cookie. */
const tagOf = (address: string): string => createHash('sha256').update(address).digest('hex').slice(0, 12);

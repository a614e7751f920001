/**
 * The stores of a migration on one side. Opened once and kept: what the freeze needs (connections, the snapshot, the
 * watcher) lives in these objects.
 */
export class OpenStores<Store extends AsyncDisposable> {
  readonly #open: (app: string, store: string) => Promise<Store>;
  readonly #stores = new Map<string, Promise<Store>>();

  constructor(open: (app: string, store: string) => Promise<Store>) {
    this.#open = open;
  }

  get(app: string, migration: string, store: string): Promise<Store> {
    const key = `${migration}/${store}`;
    let opened = this.#stores.get(key);
    if (!opened) {
      opened = this.#open(app, store);
      opened.catch(() => this.#stores.delete(key));
      this.#stores.set(key, opened);
    }
    return opened;
  }

  /** For one question; nothing is kept. */
  async with<T>(app: string, store: string, ask: (store: Store) => Promise<T>): Promise<T> {
    await using opened = await this.#open(app, store);
    return await ask(opened);
  }

  async close(migration: string): Promise<void> {
    await this.#dispose((key) => key.startsWith(`${migration}/`));
  }

  async closeOne(migration: string, store: string): Promise<void> {
    await this.#dispose((key) => key === `${migration}/${store}`);
  }

  async closeAll(): Promise<void> {
    await this.#dispose(() => true);
  }

  async #dispose(which: (key: string) => boolean): Promise<void> {
    for (const [key, store] of [...this.#stores].filter(([key]) => which(key))) {
      this.#stores.delete(key);
      await store.then((opened) => opened[Symbol.asyncDispose]()).catch(() => {});
    }
  }
}

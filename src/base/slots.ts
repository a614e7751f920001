/** So many at a time; the others wait in the order in which they came. */
export class Slots {
  readonly size: number;
  #taken = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(size: number) {
    this.size = size;
  }

  /** `waits` is called when there is no place yet. Who is aborted while it waits takes none. */
  async take<T>(work: () => Promise<T>, signal: AbortSignal, waits: () => void = () => {}): Promise<T> {
    signal.throwIfAborted();
    if (this.#taken >= this.size) {
      waits();
      await this.#turn(signal);
    } else this.#taken++;
    try {
      return await work();
    } finally {
      this.#passOn();
    }
  }

  /** Resolves with the place of one who has left. */
  #turn(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const come = () => {
        signal.removeEventListener('abort', leave);
        resolve();
      };
      const leave = () => {
        this.#waiting.splice(this.#waiting.indexOf(come), 1);
        reject(signal.reason);
      };
      signal.addEventListener('abort', leave, { once: true });
      this.#waiting.push(come);
    });
  }

  #passOn(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#taken--;
  }
}

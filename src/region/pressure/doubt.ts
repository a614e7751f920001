/** At the lowest rate, and still pressed for so many looks: perhaps it is not the copy. Twice as many after each time that it was. */
const looksAtFirst = 10;
const looksAtMost = 300;

export type Verdict = 'hold' | 'it was not the copy' | 'it was the copy' | 'nothing was learnt';

/**
 * Is it the copy that the source suffers from? What was normal before it need not be normal any more, as in the morning of a
 * copy that was begun at night. Where slowing down does not help, the copy is held for a moment, and what is measured
 * without it is what later answers are compared with.
 */
export class Doubt {
  #looks = 0;
  #patience = looksAtFirst;
  #heldAt: number | undefined;

  get holds(): boolean {
    return this.#heldAt !== undefined;
  }

  /**
   * After each look: `pressed` is undefined where too little came to say so, `settledMs` how far back a look reaches.
   * Returns what is to be done now, if anything; what ends a hold is said once.
   */
  look(now: number, pressed: boolean | undefined, atFloor: boolean, settledMs: number): Verdict | undefined {
    if (this.#heldAt !== undefined) {
      if (pressed && now - this.#heldAt < settledMs) return undefined;
      this.forget();
      if (pressed === undefined) return 'nothing was learnt';
      this.#patience = pressed ? looksAtFirst : Math.min(2 * this.#patience, looksAtMost);
      return pressed ? 'it was not the copy' : 'it was the copy';
    }
    this.#looks = pressed && atFloor ? this.#looks + 1 : 0;
    if (this.#looks < this.#patience) return undefined;
    this.#heldAt = now;
    return 'hold';
  }

  forget(): void {
    this.#looks = 0;
    this.#heldAt = undefined;
  }
}

import { hash } from 'node:crypto';

/** Order-independent digest of a listing, so that neither side has to sort a directory of a million names. */
export class ListDigest {
  #sum = 0n;

  add(name: string, sig: string): void {
    this.#sum = (this.#sum + hash('sha256', `${sig}/${name}`, 'buffer').readBigUInt64BE(0)) & 0xffff_ffff_ffff_ffffn;
  }

  value(): string {
    return this.#sum.toString(16);
  }
}

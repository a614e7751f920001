import * as fs from 'node:fs';
import { lookAt } from './as-left.ts';
import { blockSize } from './blocks.ts';
import { exactly, toEntry } from './entry.ts';
import { leftOver } from './incoming-file.ts';
import type { Ledger } from './ledger.ts';
import type { Wanted } from './messages.ts';
import type { TreePath } from './names.ts';
import type { Placer } from './placer.ts';
import { vanished } from './rooted.ts';
import { hashContent } from './send-file.ts';

/** Of a file of up to 8 GB; a larger one is sent whole if it differs. */
const maxTable = 1024 * 1024;

const tableOf = (blocks: Uint8Array | null) =>
  blocks && blocks.length <= maxTable ? { table: Buffer.from(blocks).toString('base64') } : {};

/** Says what of a file is already on the target, so that it is not sent: after a restart, a rollback, a broken stream. */
export class Have {
  readonly #placer: Placer;
  readonly #ledger: Ledger;

  constructor(placer: Placer, ledger: Ledger) {
    this.#placer = placer;
    this.#ledger = ledger;
  }

  async wanted(path: TreePath, sig: string, size: number): Promise<Wanted> {
    const row = this.#ledger.get(path);
    if (row?.hash) return { path, have: row.hash, ...tableOf(row.blocks) };
    const left = leftOver(this.#placer, path, sig);
    if (left && left.count > 0) return { path, left: { sig, blocks: left.count } };
    await this.#hashHere(path, size);
    const found = this.#ledger.get(path);
    return found?.hash ? { path, have: found.hash, ...tableOf(found.blocks) } : { path };
  }

  /** A file from before this ledger, where it may be equal, or share blocks. It is noted, so that blocks can be built on it. */
  async #hashHere(path: TreePath, wanted: number): Promise<void> {
    const st = lookAt(this.#placer.tree, path); // before it is read, so that a change meanwhile shows
    const size = Number(st?.size ?? 0);
    if (!st?.isFile() || wanted === 0 || (size !== wanted && Math.min(size, wanted) <= blockSize)) return;
    let fd: number | undefined;
    try {
      const flags = fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW;
      fd = this.#placer.tree.at(path, (at) => fs.openSync(at, flags));
      const hashes = await hashContent(fd, size);
      const { ino, linked, ...entry } = { ...toEntry(path, st), sig: '' }; // those two are the source's only
      this.#ledger.put(entry, hashes.root(), hashes.count > 1 ? hashes.table() : null, exactly(st));
    } catch (error) {
      if (!vanished(error)) throw error;
    } finally {
      if (fd !== undefined) fs.closeSync(fd);
    }
  }
}

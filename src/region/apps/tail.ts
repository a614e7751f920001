import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs';

const blockBytes = 64 * 1024;
/** A log without line ends must not fill the memory. */
const mostBytes = 4 * 1024 * 1024;

/** The last lines of a file, oldest first, reading only its end. */
export function tail(path: string, lines: number): string[] {
  if (!existsSync(path)) return [];
  const fd = openSync(path, 'r');
  try {
    let from = fstatSync(fd).size;
    let end = Buffer.alloc(0);
    while (from > 0 && end.length < mostBytes && newlines(end) <= lines) {
      const size = Math.min(blockBytes, from);
      from -= size;
      const block = Buffer.alloc(size);
      end = Buffer.concat([block.subarray(0, readSync(fd, block, 0, size, from)), end]);
    }
    const all = end.toString('utf8').split('\n');
    if (all.at(-1) === '') all.pop();
    return all.slice(-lines);
  } finally {
    closeSync(fd);
  }
}

const newlines = (buffer: Buffer): number => {
  let count = 0;
  for (let at = buffer.indexOf(10); at >= 0; at = buffer.indexOf(10, at + 1)) count++;
  return count;
};

import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { giveToAccount } from '../../../../base/account.ts';
import { writeFileAtomic } from '../../../../base/atomic-file.ts';
import { channel, proofChannel } from '../names.ts';

/**
 * Before the server starts: its streams of before are forgotten, and `follow` makes the one that is wanted anew, from the
 * position that is in the tables. A server that was killed while it wrote down a stream, or began a file of one, does not
 * start any more; and one that serves must not go on with the stream that once made it.
 */
export function forgetStreams(dataFolder: string): void {
  const ours = [channel, proofChannel];
  const listed = join(dataFolder, 'multi-master.info');
  if (existsSync(listed)) {
    const others = readFileSync(listed, 'utf8')
      .split('\n')
      .filter((name) => name !== '' && !ours.includes(name));
    writeFileAtomic(listed, others.map((name) => `${name}\n`).join(''));
    giveToAccount(listed);
  }
  const file = new RegExp(`^((master|relay-log)-(${ours.join('|')})\\.info|relay-(${ours.join('|')})\\..*)$`);
  for (const name of readdirSync(dataFolder).filter((entry) => file.test(entry))) rmSync(join(dataFolder, name));
}

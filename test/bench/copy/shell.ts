import { spawn } from 'node:child_process';
import { unprivilegedAccount } from '../../../src/base/account.ts';

/** As the account of the servers, since they read and write the same folders. */
export async function shell(script: string, env: Record<string, string> = {}): Promise<void> {
  const child = spawn('sh', ['-ec', script], {
    ...unprivilegedAccount(),
    cwd: '/',
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (said = (said + text).slice(-3000)));
  const code = await new Promise((resolve, reject) => child.once('error', reject).once('close', resolve));
  if (code !== 0) throw new Error(`ended with ${code}: ${said}`);
}

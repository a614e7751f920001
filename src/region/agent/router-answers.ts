import { RouterClient } from '../../router/client.ts';

/** Does a router answer on this control socket, within a second? */
export async function answers(socketPath: string): Promise<boolean> {
  const client = new RouterClient(socketPath, 1000);
  try {
    await client.status();
    return true;
  } catch {
    return false;
  } finally {
    client.close();
  }
}

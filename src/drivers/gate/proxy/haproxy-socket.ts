import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';

/** One server of one backend, as `show servers state` has it. */
export interface Server {
  backend: string;
  name: string;
  /** `address:port`. */
  at: string;
  /** In maintenance, whatever the reason: nobody new is sent there. */
  isOut: boolean;
  /** The last look at it found that it accepts connections. */
  accepts: boolean;
  /** Its weight, and whatever else somebody has set: what must be as it was. */
  administration: string;
}

/** What HAProxy answers to one command at its admin socket. Throws where nobody answers within 5 s. */
export async function ask(socket: string, command: string): Promise<string> {
  const connection = connect({ path: socket, timeout: 5_000 });
  connection.on('timeout', () => connection.destroy(new Error('HAProxy does not answer within 5 s')));
  await once(connection, 'connect');
  // It hangs up by itself; half a connection it takes for the end.
  connection.write(`${command}\n`);
  return (await text(connection)).trim();
}

/** Version 1 of the format: https://docs.haproxy.org/2.6/management.html#9.3-show%20servers%20state */
export async function servers(socket: string): Promise<Server[]> {
  const [version, ...lines] = (await ask(socket, 'show servers state')).split('\n');
  if (version !== '1') throw new Error(version);
  const names = lines
    .find((line) => line.startsWith('# '))!
    .slice(2)
    .split(' ');
  return lines
    .filter((line) => line && !line.startsWith('#'))
    .map((line) => {
      const values = line.split(' ');
      const field = (name: string) => values[names.indexOf(name)]!;
      const address = field('srv_addr');
      const admin = Number(field('srv_admin_state'));
      return {
        backend: field('be_name'),
        name: field('srv_name'),
        at: `${address.includes(':') ? `[${address}]` : address}:${field('srv_port')}`,
        accepts: field('srv_check_result') === '3',
        isOut: (admin & anyMaintenance) !== 0,
        administration: `${admin} ${field('srv_uweight')}`,
      };
    });
}

/** Forced, inherited, configured, or for want of an address. */
const anyMaintenance = 0x01 | 0x02 | 0x04 | 0x20;

import type { Finding } from '../../../store.ts';
import type { DatabaseInstance } from '../../contract.ts';
import type { Client } from '../wire/connect.ts';

/** Where its owner writes it down: what is set in the running server is gone at the next start, and not on the other side. */
export const inItsCommand = (addon: string, option: string): string =>
  `Add ${option} to the \`command\` of ${addon} in the compose file, recreate it with \`docker compose up -d ${addon}\`, and adopt again.`;

/** For a setting that only a start changes, or that one forgets; `words` are those where the server is in no container. */
export const lasting = ({ addon, guest }: DatabaseInstance, option: string, words: string): string =>
  guest ? inItsCommand(addon, option) : words;

/** What a server that Storky runs has anyhow. */
export async function checkContainer(client: Client, addon: string): Promise<Finding[]> {
  const [log] = await client.query(client.dialect.logSettings);
  const [settings] = await client.query('SELECT @@global.event_scheduler AS events, @@global.local_infile AS files');
  const { events, files } = settings!;
  const strict = client.dialect.server === 'mariadb' ? await client.value('SELECT @@global.gtid_strict_mode') : '0';
  // Where it is disabled, the server does not even list them.
  const list = `SELECT EVENT_NAME AS name FROM information_schema.EVENTS WHERE STATUS = 'ENABLED'`;
  const enabled = events === 'DISABLED' ? [] : await client.query(list);
  return [
    finding(
      'log-of-own-writes',
      log!.echo !== '0' && 'fail',
      log!.echo === '0' ? 'its log holds its own writes only' : 'what it applies is written to its own log',
      inItsCommand(
        addon,
        client.dialect.server === 'mariadb' ? '--skip-log-slave-updates' : '--skip-log-replica-updates',
      ),
    ),
    finding(
      'local-infile',
      files !== '1' && 'fail',
      `local_infile is ${files === '1' ? 'on' : 'off'}, by which rows are loaded on the other side`,
      inItsCommand(addon, '--local-infile=ON'),
    ),
    finding(
      'gtid-strict-mode',
      strict !== '0' && 'fail',
      strict === '0'
        ? 'both sides may count in one domain'
        : 'gtid_strict_mode is on, and both sides count in one domain',
      inItsCommand(addon, '--skip-gtid-strict-mode'),
    ),
    finding(
      'event-scheduler',
      events === 'DISABLED' ? 'fail' : events === 'ON' && enabled.length > 0 && 'warn',
      `the event scheduler is ${events}, with ${enabled.length} events to run`,
      events === 'DISABLED'
        ? inItsCommand(addon, '--event-scheduler=OFF')
        : 'If the container of the passive side is started anew, they may run there for a second: what they write would be refused, or be seen by the comparison.',
    ),
  ];
}

const finding = (id: string, bad: false | 'warn' | 'fail', detail: string, remedy: string): Finding => ({
  id,
  verdict: bad || 'pass',
  detail,
  remedy: bad ? remedy : null,
});

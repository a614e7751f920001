import type { SourceEndpoint } from '../../../store.ts';
import type { DatabaseInstance } from '../../contract.ts';
import { becomeFollower } from '../container/follower.ts';
import { channel } from '../names.ts';
import { sourceAddress, type Ticket } from '../ticket.ts';
import { type Client, errnoOf, type Row } from '../wire/connect.ts';

/** What the server says of Storky's stream, or undefined where there is none. */
export async function streamStatus(client: Client, name = channel): Promise<Row | undefined> {
  try {
    const [row] = await client.query(client.dialect.showStream(name));
    return row && client.dialect.streamRow(row);
  } catch (error) {
    if (errnoOf(error) === client.dialect.noSuchStream) return undefined;
    throw error;
  }
}

/** Makes the stream, or leads it to the port that the source has now. Idempotent. */
export async function runStream(
  client: Client,
  instance: DatabaseInstance,
  ticket: Ticket,
  from: SourceEndpoint,
): Promise<void> {
  await becomeFollower(client, instance);
  const { dialect } = client;
  const status = await streamStatus(client);
  const same =
    status?.Master_Host === from.host &&
    status.Master_Port === String(from.port) &&
    status.Master_User === ticket.account;
  if (!same) {
    if (status) await client.query(dialect.stopStream(channel));
    await client.query(dialect.followFrom(channel, sourceAddress(ticket, from)));
    for (const statement of dialect.onlyFrom(channel, ticket.share)) await client.query(statement);
  }
  if (!same || status.Slave_IO_Running === 'No' || status.Slave_SQL_Running === 'No')
    await client.query(dialect.startStream(channel));
}

/** Ends the stream and forgets where it led. Idempotent. */
export async function dropStream(client: Client, name = channel): Promise<void> {
  if (!(await streamStatus(client, name))) return;
  await client.batch(client.dialect.stopStream(name), client.dialect.dropStream(name));
}

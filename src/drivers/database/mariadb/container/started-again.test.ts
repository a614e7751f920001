import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Pair, type Side } from '../../conformance/pair.ts';
import { inContainers } from '../testing/like-a-container.ts';
import { installed } from '../testing/servers.ts';
import { subject } from '../testing/subject.ts';
import { adminOf, withClient } from '../wire/connect.ts';

describe.skipIf(!installed)('a container that is started anew', () => {
  const engine = inContainers();
  const pair = new Pair({ ...subject, engine });
  beforeAll(() => pair.begin(), 60_000);
  afterAll(() => pair.dispose());

  const settings = ({ instance }: Side) =>
    withClient(adminOf(instance), async (client) => {
      const [row] = await client.query('SELECT @@server_id AS id, @@read_only AS shut, @@event_scheduler AS events');
      return row!;
    });
  const startAnew = async ({ instance }: Side) => {
    await engine.stop(instance);
    await engine.start(instance);
  };

  it('is shut again while it is the copy, and goes on following under a number of its own', async () => {
    const { id } = await settings(pair.copy);
    expect(id).not.toBe('1');
    await startAnew(pair.copy);
    expect(await settings(pair.copy)).toMatchObject({ id: '1', shut: '0' });
    await pair.copy.target.healthy();
    await pair.copy.target.lag();
    expect(await settings(pair.copy)).toEqual({ id, shut: '1', events: 'OFF' });
    await (await pair.items(pair.serving)).write(50, 'after the copy was started anew');
    await pair.copy.target.rehearse(pair.stream.id, pair.serving.endpoint, new AbortController().signal);
    expect(await (await pair.items(pair.copy)).read(50)).toBe('after the copy was started anew');
  }, 60_000);

  it('writes under the number of its owner where it serves, and the other side takes none of it for its own', async () => {
    await pair.prepareWayBack();
    await pair.makeReady();
    const turn = await pair.freeze();
    const done = await pair.decide();
    // As the command of the container says, which is what the old side had too.
    expect(await settings(pair.serving)).toMatchObject({ shut: '0', events: 'OFF' });
    await pair.beginWayBack(turn);
    await pair.follow();
    await pair.tidy(done);
    await startAnew(pair.serving);
    expect(await settings(pair.serving)).toMatchObject({ id: '1' });
    await startAnew(pair.copy);
    await (await pair.items(pair.serving)).write(51, 'written by a number that both sides have');
    await pair.copy.target.healthy();
    await pair.copy.target.rehearse(pair.stream.id, pair.serving.endpoint, new AbortController().signal);
    await pair.copy.target.standby();
    expect(await (await pair.items(pair.copy)).read(51)).toBe('written by a number that both sides have');
    expect(await pair.differences()).toEqual([]);
  }, 60_000);
});

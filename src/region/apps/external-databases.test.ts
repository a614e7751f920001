import { expect, it } from 'vitest';
import { databaseEngines } from '../../drivers/registry.ts';
import { Addon } from '../../protocol/app-record/process.ts';
import { externalOrder } from './external-databases.ts';

it('an engine that cannot use what Storky does not run says so, before anything is made', async () => {
  const without = (await databaseEngines()).map((engine) => ({ ...engine, adopt: undefined }));
  for (const engine of without) {
    const secrets = { address: 'some://admin:hidden@host/shop', user: 'shop', password: 'hidden' };
    const addon = Addon.parse({ name: 'db', engine: engine.engine, ...secrets });
    const error = await externalOrder(engine, addon, {
      app: 'shop',
      addon: 'db',
      folder: '/nowhere',
      ...secrets,
    }).catch((refused) => refused);
    expect(error).toMatchObject({ code: 'unsupported' });
    expect(JSON.stringify(error)).not.toContain('hidden');
  }
});

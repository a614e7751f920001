import { expect, test } from 'vitest';
import type { AppStore } from '../app-store.ts';
import { DueLooks } from './due-looks.ts';

/** An engine that tells what it is told to. */
function engine() {
  const state = { listening: true, tell: (_container?: string) => {} };
  const watch = (told: (container?: string) => void) => {
    state.tell = told;
    return {
      get listening() {
        return state.listening;
      },
      close: async () => {},
    };
  };
  const project = (container: string) => ({ services: [{ containers: [{ name: container }] }] });
  const store = { find: (app: string) => ({ record: { project: project(`${app}-web-1`) } }) } as unknown as AppStore;
  const looks = new DueLooks(store, { watch });
  const looked: string[] = [];
  const ask = (app: string) => looks.ifDue(app, async () => void looked.push(app));
  return { state, looks, looked, ask };
}

test('a project is looked at when its containers have changed, and not otherwise', async () => {
  const { state, looked, ask } = engine();
  for (let n = 0; n < 3; n++) await ask('shop');
  await ask('blog');
  expect(looked).toEqual(['shop', 'blog']);
  state.tell('shop-web-1');
  state.tell('nobodys-web-1');
  for (const app of ['shop', 'blog', 'shop']) await ask(app);
  expect(looked).toEqual(['shop', 'blog', 'shop']);
  state.tell();
  for (const app of ['shop', 'blog']) await ask(app);
  expect(looked.slice(3)).toEqual(['shop', 'blog']);
});

test('where the engine tells nothing, and after a look that failed, it is looked at each time', async () => {
  const { state, looks, looked, ask } = engine();
  await ask('shop');
  state.listening = false;
  for (let n = 0; n < 2; n++) await ask('shop');
  expect(looked).toHaveLength(3);
  state.listening = true;
  state.tell();
  const away = async () => Promise.reject(new Error('the engine is away'));
  await expect(looks.ifDue('shop', away)).rejects.toThrow('away');
  await ask('shop');
  expect(looked).toHaveLength(4);
});

test('what changes during a look asks for another one', async () => {
  const { state, looks, looked, ask } = engine();
  await looks.ifDue('shop', async () => state.tell('shop-web-1'));
  await ask('shop');
  expect(looked).toEqual(['shop']);
});

import { afterAll, beforeAll, expect, it } from 'vitest';
import { ManagedPostgres } from '../../../../../test/support/managed-postgres.ts';
import type { DatabaseInstance } from '../../contract.ts';
import { engine } from '../engine.ts';
import { Clusters, never } from '../testing/clusters.ts';
import { createHardSchema } from '../testing/hard-schema.ts';

let managed: ManagedPostgres;
const clusters = new Clusters();
const database = 'for_a_move';
const address = () => `${managed.address().replace(/[^/]*$/, database)}`;
const order = (change: object = {}) => ({
  app: 'shop',
  addon: 'db',
  address: address(),
  user: 'Mover "x"',
  password: "it's",
  folder: clusters.folder,
  ...change,
});

beforeAll(async () => {
  managed = await ManagedPostgres.start();
  await managed.asProvider(`CREATE DATABASE ${database}`);
});
afterAll(async () => {
  await clusters.dispose();
  await managed?.[Symbol.asyncDispose]();
});

it('what the account may not do is named with the statement that gives it, and then it may', async () => {
  const missing = await failing();
  expect(missing.map(({ id, remedy }) => [id, remedy])).toEqual([
    ['right-roles', 'Run: ALTER ROLE "keeper" CREATEROLE; -- as a superuser'],
    ['right-database', 'Run: GRANT "test" TO "keeper";'],
  ]);
  await managed.asProvider('ALTER ROLE keeper CREATEROLE', `ALTER DATABASE ${database} OWNER TO keeper`);
  expect(await failing()).toEqual([]);
});

it('one that is not empty is refused, by the check and by itself', async () => {
  await inside('CREATE TABLE theirs (id int)');
  expect((await failing()).map(({ id, detail }) => [id, detail])).toEqual([['empty', 'the relation theirs']]);
  await expect(engine.take!(order())).rejects.toThrow(/not empty: it has the relation theirs/);
  await inside('DROP TABLE theirs');
});

it('an account of that name with another password is not touched', async () => {
  await managed.asProvider(`CREATE ROLE "Mover ""x""" LOGIN PASSWORD 'theirs'`);
  const weak = await engine.take!(order()).catch((error) => error);
  expect(weak.message).toMatch(/is there already, and has not the rights/);
  for (const statement of /^Run: (.*)$/.exec(weak.remedy)![1]!.split(/(?<=;) /)) await inside(statement);
  await expect(engine.take!(order())).rejects.toThrow(/the account Mover "x" cannot log in/);
  await inside('DROP OWNED BY "Mover ""x"""');
  await managed.asProvider('DROP ROLE "Mover ""x"""');
});

it('filled from a dump with one of everything, twice, and given back exactly', async () => {
  const before = await catalog();
  const source = await clusters.provision('source');
  await using from = engine.source(source);
  const admin = await clusters.client(source, 'admin');
  await createHardSchema(admin, '"Shop ""User"""');
  // Superusers' own, which nobody else may make.
  await admin.query('DROP EVENT TRIGGER app_event; DROP FUNCTION public.app_event()');
  const { user, password } = source;
  const taken = await engine.take!(order({ user, password }));
  expect(await engine.take!(order({ user, password }))).toEqual(taken);
  for (const _ of [1, 2]) await fill(taken, from);
  const rows = await inside(
    "SELECT count(*)::int AS n, min(tableowner) AS owner FROM pg_tables WHERE schemaname = 'public'",
  );
  expect(rows[0]).toMatchObject({ n: expect.any(Number), owner: 'Shop "User"' });
  expect(rows[0]!.n).toBeGreaterThan(5);
  await engine.giveBack!(taken);
  expect(await catalog()).toEqual(before);
  await engine.giveBack!(taken);
});

async function fill(taken: DatabaseInstance, from: ReturnType<typeof engine.source>): Promise<void> {
  await using target = engine.target(taken);
  await target.restore(await from.backup(), () => {}, never);
  await target.standby();
  await target.activate(1);
  await target.close(crypto.randomUUID());
}

const failing = async () =>
  (await engine.checkOffer!({ addon: 'db', address: address(), version: null })).filter(
    ({ verdict }) => verdict === 'fail',
  );

const inside = (...statements: string[]) => managed.at(database, ...statements);

const catalog = () =>
  inside(`
    SELECT concat_ws(' ', 'relation', relname) AS what FROM pg_class WHERE oid >= 16384 AND relname !~ '^pg_toast'
    UNION ALL SELECT concat_ws(' ', 'schema', nspname, nspacl) FROM pg_namespace WHERE nspname !~ '^pg_t' AND nspname <> 'public'
    UNION ALL SELECT concat_ws(' ', 'public', a.grantee::regrole, a.privilege_type) FROM pg_namespace CROSS JOIN aclexplode(coalesce(nspacl, acldefault('n', nspowner))) a WHERE nspname = 'public'
    UNION ALL SELECT concat_ws(' ', 'role', rolname, rolcanlogin) FROM pg_roles UNION ALL SELECT concat_ws(' ', 'extension', extname) FROM pg_extension
    UNION ALL SELECT concat_ws(' ', 'function', proname) FROM pg_proc WHERE oid >= 16384 UNION ALL SELECT concat_ws(' ', 'type', typname) FROM pg_type WHERE oid >= 16384
    UNION ALL SELECT concat_ws(' ', 'member', roleid::regrole, member::regrole) FROM pg_auth_members UNION ALL SELECT concat_ws(' ', 'setting', setrole::regrole, setconfig) FROM pg_db_role_setting
    UNION ALL SELECT concat_ws(' ', 'database', datname, a.grantee::regrole, a.privilege_type) FROM pg_database CROSS JOIN aclexplode(coalesce(datacl, acldefault('d', datdba))) a ORDER BY 1`);

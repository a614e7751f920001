import type { Client } from '../wire/connect.ts';

/** One of everything that is easily lost on the way. */
export async function createHardSchema(admin: Client, owner: string): Promise<void> {
  await admin.query(
    `
    CREATE ROLE reader NOLOGIN; CREATE ROLE "Re porter" LOGIN PASSWORD 'x' IN ROLE reader CONNECTION LIMIT 3;
    ALTER ROLE reader IN DATABASE "shop-db" SET search_path TO "Odd ""Schema""", public;
    ALTER DATABASE "shop-db" SET work_mem TO '7MB';
    CREATE EXTENSION hstore;
    SET ROLE ${owner};
    CREATE SCHEMA "Odd ""Schema""";
    CREATE TYPE mood AS ENUM ('sad', 'it''s ok', 'happy');
    CREATE TYPE pair AS (a int, b text);
    CREATE DOMAIN percent AS int CHECK (VALUE BETWEEN 0 AND 100);
    CREATE TABLE "Odd ""Schema"""."Tab.le" ("Col umn" int PRIMARY KEY, "quo""te" text, "select" mood, moods mood[], pairs pair[], p percent);
    INSERT INTO "Odd ""Schema"""."Tab.le" SELECT g, 'x''' || g, 'happy', ARRAY['sad', 'it''s ok']::mood[], ARRAY[(g, 'a,"b')::pair], g % 100 FROM generate_series(1, 500) g;
    CREATE TABLE kinds (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, twice int GENERATED ALWAYS AS (n * 2) STORED, n int, f float8, d float4, num numeric, ts timestamptz, dt date,
      iv interval, b bytea, j jsonb, u uuid, r int4range, rs tstzrange, k regclass, h hstore, i inet, bits varbit, x xml, money money, txt text[], nothing int, c char(5), t tsvector, nm name, dropped int);
    ALTER TABLE kinds DROP COLUMN dropped; ALTER TABLE kinds ADD COLUMN later text DEFAULT 'late';
    INSERT INTO kinds (n, f, d, num, ts, dt, iv, b, j, u, r, rs, k, h, i, bits, x, money, txt, c, t, nm) VALUES
      (1, 'NaN', '-Infinity', 'NaN', 'infinity', '-infinity', '1 mon -3 days 04:05:06.789', '\\x00ff', '{"a": [1, null]}', gen_random_uuid(), '[1,10)', 'empty', 'kinds', 'a=>1,"b c"=>NULL', '10.0.0.0/8', B'1011', '<a/>', '12.34', '{a,NULL,"b,c"}', 'ab', 'a b', 'n'),
      (2, 1e308, 1.1, 1234567890123456789012345678901234567890.000001, '4713-01-01 BC', '294276-12-31', '-1 year', '', 'null', NULL, NULL, NULL, NULL, '', NULL, NULL, NULL, '-1', '{}', '', '', ''),
      (3, 0.1 + 0.2, 0, -0.000, '2024-02-29 23:59:59.999999+14', 'epoch', '0', repeat('x', 9000)::bytea, '"t"', NULL, 'empty', NULL, 'pg_class', NULL, '::1', B'', NULL, NULL, NULL, 'abcde', NULL, NULL);
    CREATE TABLE nokey (a int, b text);
    INSERT INTO nokey SELECT g % 10, 'dup' FROM generate_series(1, 100) g;
    CREATE TABLE uniq (a int NOT NULL, b text, CONSTRAINT uniq_a UNIQUE (a));
    INSERT INTO uniq SELECT g FROM generate_series(1, 100) g;
    CREATE TABLE measure (at date NOT NULL, v int, PRIMARY KEY (at, v)) PARTITION BY RANGE (at);
    CREATE TABLE measure_1 PARTITION OF measure FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
    CREATE TABLE measure_rest PARTITION OF measure DEFAULT;
    INSERT INTO measure SELECT date '2020-06-01' + g, g FROM generate_series(1, 400) g;
    CREATE TABLE parent (id int PRIMARY KEY, v text); CREATE TABLE child (extra text) INHERITS (parent); ALTER TABLE child ADD PRIMARY KEY (id);
    INSERT INTO parent VALUES (1, 'p'); INSERT INTO child VALUES (2, 'c', 'e');
    CREATE TABLE a (id int PRIMARY KEY, b int); CREATE TABLE b (id int PRIMARY KEY, a int REFERENCES a DEFERRABLE INITIALLY DEFERRED);
    ALTER TABLE a ADD CONSTRAINT a_b FOREIGN KEY (b) REFERENCES b DEFERRABLE INITIALLY DEFERRED;
    BEGIN; INSERT INTO a VALUES (1, 1); INSERT INTO b VALUES (1, 1); COMMIT;
    CREATE TABLE toasted (id int PRIMARY KEY, big text, n int); ALTER TABLE toasted ALTER big SET STORAGE EXTERNAL;
    INSERT INTO toasted SELECT g, repeat(md5(g::text), 500), 0 FROM generate_series(1, 50) g;
    CREATE TABLE secret (id int PRIMARY KEY, who text); ALTER TABLE secret ENABLE ROW LEVEL SECURITY; ALTER TABLE secret FORCE ROW LEVEL SECURITY;
    CREATE POLICY mine ON secret TO reader USING (who = current_user);
    INSERT INTO uniq VALUES (1000, 'z');
    CREATE TABLE booking (room int, during tsrange, EXCLUDE USING gist (during WITH &&));
    INSERT INTO booking VALUES (1, '[2024-01-01,2024-01-02)');
    CREATE VIEW v AS SELECT * FROM kinds; CREATE MATERIALIZED VIEW mv1 AS SELECT count(*) FROM nokey; CREATE MATERIALIZED VIEW mv2 AS SELECT * FROM mv1;
    CREATE UNLOGGED TABLE cache (k text PRIMARY KEY);
    CREATE SEQUENCE free START 5 INCREMENT 3; SELECT setval('free', 77, false);
    CREATE SEQUENCE "Odd ""Schema"""."Se'q"; SELECT setval('"Odd ""Schema"""."Se''q"', 9223372036854775806);
    CREATE FUNCTION shout() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.big := upper(NEW.big); RETURN NEW; END $$;
    CREATE TRIGGER shout BEFORE INSERT OR UPDATE ON toasted FOR EACH ROW EXECUTE FUNCTION shout();
    CREATE INDEX kinds_expr ON kinds ((n + 1)) WHERE n > 0; CREATE INDEX kinds_gin ON kinds USING gin (j);
    CREATE STATISTICS st ON a, b FROM nokey; COMMENT ON TABLE kinds IS '-- Name: not a heading; Type: TABLE';
    GRANT SELECT ON kinds TO reader; ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO reader;
    RESET ROLE;
    CREATE EVENT TRIGGER app_event ON ddl_command_end WHEN TAG IN ('CREATE CAST') EXECUTE FUNCTION public.app_event();`.replace(
      'RESET ROLE;',
      `RESET ROLE; CREATE FUNCTION public.app_event() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';`,
    ),
  );
}

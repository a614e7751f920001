import type { Client } from '../wire/connect.ts';
import { literal } from '../wire/sql.ts';

const every = Buffer.from(Array.from({ length: 256 }, (_, n) => n)).toString('hex');

/** One of everything that is easily lost on the way. */
export async function createHardSchema(admin: Client): Promise<void> {
  await createEveryCharset(admin);
  await admin.batch(
    `CREATE DATABASE \`Odd \`\`Schema\` CHARACTER SET latin1 COLLATE latin1_german1_ci`,
    `CREATE ROLE reader`,
    `CREATE USER 'Re porter'@'10.%' IDENTIFIED BY 'x' WITH MAX_USER_CONNECTIONS 3`,
    `GRANT reader TO 'Re porter'@'10.%'`,
    `SET DEFAULT ROLE reader FOR 'Re porter'@'10.%'`,
    `CREATE TABLE \`Odd \`\`Schema\`.\`Tab.le\` (\`Col umn\` INT PRIMARY KEY, \`quo"\`\`te\` TEXT, \`select\` ENUM('sad', 'it''s ok', '1') NOT NULL, moods SET('a','b','c'), umlaut VARCHAR(20), KEY (umlaut))`,
    `INSERT INTO \`Odd \`\`Schema\`.\`Tab.le\` SELECT seq, CONCAT('x''\\t\\n\\\\', seq), 1 + seq MOD 3, seq MOD 8, 'äöüß€' FROM seq_1_to_500`,
    `GRANT SELECT (\`Col umn\`) ON \`Odd \`\`Schema\`.\`Tab.le\` TO reader`,
    `CREATE TABLE kinds (id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, twice INT GENERATED ALWAYS AS (n * 2) STORED, virt INT GENERATED ALWAYS AS (n + 1) VIRTUAL, n INT,
      f FLOAT, d DOUBLE, fixed DOUBLE(10,3), num DECIMAL(65,30), ts TIMESTAMP(6) NULL, dt DATETIME(6), day DATE, tm TIME(6), y YEAR,
      bin BINARY(8), vb VARBINARY(300), bl LONGBLOB, tb TINYBLOB, j JSON, u UUID, i6 INET6, i4 INET4, b1 BIT(1), b64 BIT(64), g GEOMETRY, p POINT,
      e ENUM('', 'x', '7') , s SET('a', 'b'), c CHAR(10), l1 VARCHAR(20) CHARACTER SET latin1, u16 VARCHAR(20) CHARACTER SET utf16, u32 TEXT CHARACTER SET utf32, sj VARCHAR(20) CHARACTER SET sjis,
      cs VARCHAR(20) COLLATE utf8mb4_bin, hidden INT INVISIBLE DEFAULT 5, CHECK (n < 100), KEY (virt), KEY (n, f), FULLTEXT (cs))`,
    `INSERT INTO kinds (n, f, d, fixed, num, ts, dt, day, tm, y, bin, vb, bl, tb, j, u, i6, i4, b1, b64, g, p, e, s, c, l1, u16, u32, sj, cs, hidden) VALUES
      (1, 0.1, 0.1e0 + 0.2e0, 1.005, 12345678901234567890123456789012345.000000000000000000000000000001, '2024-02-29 23:59:59.999999', '9999-12-31 23:59:59.999999', '0000-00-00', '-838:59:59.999999', 1901,
       x'0001000000000000', x'${every}', x'${every}${every}', '', '{"a": [1, null, "é"]}', UUID(), '2001:db8:0:1::12', '1.2.3.4', b'1', b'1111111111111111111111111111111111111111111111111111111111111111', ST_GeomFromText('POLYGON((0 0,1 0,1 1,0 0))', 4326), POINT(1.5, -2.25), '7', 'a,b', 'ab', 'é€', 'é𝄞', '𝄞', 'テスト', 'Ünï 𝄞\\0\\n', 1),
      (2, 3.4e38, 1.7976931348623157e308, -0.001, -0.000000000000000000000000000001, '1970-01-01 00:00:01', '1000-01-01', '2023-02-31', '00:00:00.000001', 0000, x'', x'00', REPEAT(x'5c090a00', 5000), NULL, 'null', NULL, '::', '0.0.0.0', b'0', 1, ST_GeomFromText('GEOMETRYCOLLECTION(POINT(1 1),LINESTRING(0 0,1 1))'), NULL, '', '', '', '', '', '', '', '', NULL),
      (3, -1e-38, 5e-324, NULL, NULL, NULL, '0000-00-00 00:00:00', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0)`,
    `SET sql_mode = ''`,
    `INSERT IGNORE INTO kinds (id, n, e) VALUES (18446744073709551000, 4, 'no such member')`,
    `SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES'`,
    `INSERT INTO kinds (id, n) VALUES (0, 5)`,
    'CREATE TABLE places (id INT PRIMARY KEY, at POINT NOT NULL, SPATIAL INDEX (at))',
    'INSERT INTO places SELECT seq, POINT(seq / 7, -seq) FROM seq_1_to_100',
    `CREATE TABLE doubles (id INT PRIMARY KEY, d DOUBLE, f FLOAT)`,
    `INSERT INTO doubles SELECT seq, (RAND(seq) - 0.5) * POW(10, CAST(seq AS SIGNED) MOD 600 - 300), (RAND(seq) - 0.5) * POW(10, CAST(seq AS SIGNED) MOD 70 - 35) FROM seq_1_to_2000`,
    `CREATE TABLE nokey (a INT, b TEXT)`,
    `INSERT INTO nokey SELECT seq MOD 10, 'dup' FROM seq_1_to_100`,
    `CREATE TABLE uniq (a INT NOT NULL, b VARCHAR(20) CHARACTER SET utf8mb4, UNIQUE KEY (a))`,
    `INSERT INTO uniq SELECT seq, NULL FROM seq_1_to_100`,
    `CREATE TABLE words (w VARCHAR(30) COLLATE utf8mb4_unicode_ci, part VARBINARY(3), n INT, PRIMARY KEY (w, part))`,
    `INSERT INTO words SELECT CONCAT('wörd ', seq), UNHEX(LPAD(HEX(seq), 6, '0')), seq FROM seq_1_to_300`,
    `CREATE TABLE measure (at DATE NOT NULL, v INT NOT NULL, PRIMARY KEY (at, v)) PARTITION BY RANGE (YEAR(at)) (PARTITION p0 VALUES LESS THAN (2021), PARTITION p1 VALUES LESS THAN MAXVALUE)`,
    `INSERT INTO measure SELECT DATE '2020-06-01' + INTERVAL seq DAY, seq FROM seq_1_to_400`,
    `CREATE TABLE wide (id INT AUTO_INCREMENT PRIMARY KEY, a VARCHAR(40) NOT NULL, b VARCHAR(200), uniq INT NOT NULL, v INT AS (uniq + 1) VIRTUAL,
      UNIQUE KEY \`u \`\`q\` (uniq) COMMENT 'two\nlines', KEY prefix (b(10) DESC, a), KEY hidden (a) IGNORED, KEY virt (v), FULLTEXT KEY words (b), CONSTRAINT self FOREIGN KEY (uniq) REFERENCES wide (id))`,
    `INSERT INTO wide (a, b, uniq) SELECT MD5(seq), REPEAT(MD5(seq), 6), seq FROM seq_1_to_30000`,
    'ANALYZE TABLE wide',
    `CREATE TABLE parent (id INT AUTO_INCREMENT PRIMARY KEY, v TEXT)`,
    `CREATE TABLE child (id INT PRIMARY KEY, parent INT, CONSTRAINT up FOREIGN KEY (parent) REFERENCES parent (id) ON DELETE CASCADE ON UPDATE CASCADE)`,
    `INSERT INTO parent VALUES (1, 'p'), (2, 'q')`,
    `INSERT INTO child VALUES (1, 1), (2, 2), (3, NULL)`,
    `CREATE TABLE seen (n INT)`,
    `CREATE TRIGGER parent_seen AFTER INSERT ON parent FOR EACH ROW INSERT INTO seen VALUES (NEW.id)`,
    `CREATE TRIGGER parent_seen_too AFTER INSERT ON parent FOR EACH ROW FOLLOWS parent_seen INSERT INTO seen VALUES (NEW.id + 1000)`,
    `CREATE TABLE rare (id INT, long_unique TEXT UNIQUE, made VARCHAR(60) DEFAULT (CONCAT('made of ', id)), squeezed TEXT COMPRESSED,
      began DATE NOT NULL, ended DATE NOT NULL, PERIOD FOR valid (began, ended), PRIMARY KEY (id, began), CONSTRAINT positive CHECK (id > 0))`,
    `INSERT INTO rare (id, long_unique, squeezed, began, ended) SELECT seq, REPEAT(MD5(seq), 100), REPEAT('z', 1000), '2020-01-01', '2021-01-01' FROM seq_1_to_50`,
    `CREATE VIEW checked AS SELECT id, n FROM kinds WHERE n < 50 WITH CHECK OPTION`,
    `CREATE VIEW v2 AS SELECT id, n FROM kinds`,
    `CREATE VIEW v1 AS SELECT * FROM v2`,
    `CREATE FUNCTION add_one(x INT) RETURNS INT DETERMINISTIC RETURN x + 1`,
    `CREATE PROCEDURE p() BEGIN SELECT 'ü'; END`,
    `CREATE EVENT tick ON SCHEDULE EVERY 1 HOUR DO INSERT INTO seen VALUES (0)`,
    `CREATE EVENT off ON SCHEDULE EVERY 1 HOUR DISABLE DO INSERT INTO seen VALUES (0)`,
    `SET sql_mode = 'ORACLE'`,
    'CREATE PACKAGE tools AS FUNCTION two RETURN INT; END',
    'CREATE PACKAGE BODY tools AS FUNCTION two RETURN INT AS BEGIN RETURN 2; END; END',
    `SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES'`,
    `CREATE SEQUENCE counting START WITH 5 INCREMENT BY 3 CACHE 10`,
    `SELECT NEXTVAL(counting)`,
  );
}

/** What each character set can say of these, as a text and as a key; and every byte of those that have one byte a character. */
async function createEveryCharset(admin: Client): Promise<void> {
  const samples = [
    'plain',
    'äöüßéÅ',
    'Привет',
    'Ελληνικά',
    'שלום',
    'สวัสดี',
    'テスト漢字',
    '한국어',
    '中文測試',
    'łódźř',
    '𝄞😀',
    '\\\t\n\u0000',
  ];
  const sets = await admin.query(
    `SELECT CHARACTER_SET_NAME AS name, DEFAULT_COLLATE_NAME AS collation, MAXLEN AS bytes FROM information_schema.CHARACTER_SETS ORDER BY 1`,
  );
  await admin.query('CREATE DATABASE charsets');
  for (const { name, bytes } of sets) {
    const table = `charsets.\`${name}\``;
    await admin.query(
      `CREATE TABLE ${table} (id INT, k VARCHAR(40) CHARACTER SET ${name} COLLATE ${binary(name!)}, v TEXT CHARACTER SET ${name}, c CHAR(12) CHARACTER SET ${name}, PRIMARY KEY (k, id))`,
    );
    await admin.query(`SET sql_mode = ''`);
    for (const [n, sample] of samples.entries())
      await admin.query(
        `INSERT IGNORE INTO ${table} VALUES (${n}, ${literal(sample)}, ${literal(sample)}, ${literal(sample)})`,
      );
    if (bytes === '1' && name !== 'binary')
      await admin.query(
        `INSERT IGNORE INTO ${table} SELECT seq, CONVERT(CHAR(seq) USING ${name}), CHAR(seq USING ${name}), CHAR(seq USING ${name}) FROM seq_100_to_255`,
      );
    await admin.query(`SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES'`);
  }
}

const binary = (charset: string) => (charset === 'binary' ? 'binary' : `${charset}_bin`);

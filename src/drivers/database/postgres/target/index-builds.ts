import type { Block } from './schema.ts';

/**
 * ADD PRIMARY KEY builds its index under a lock that keeps the table's other indexes waiting. A plain one becomes two
 * objects: the unique index, built beside the others, and the constraint that takes it over. Anything unusual stays as it is,
 * and so do roots of partitions, which allow no such constraint.
 */
export function withoutLocks(block: Block, partitioned: Set<string>): Block[] {
  const plain = plainConstraint.exec(block.sql);
  if (!plain || partitioned.has(plain[1]!)) return [block];
  const [all, table, constraint, kind, columns] = plain;
  const rest = block.sql.slice(plain.index + all.length);
  const index = `CREATE UNIQUE INDEX ${constraint} ON ${table} ${columns};`;
  const takeOver = `ALTER TABLE ONLY ${table} ADD CONSTRAINT ${constraint} ${kind} USING INDEX ${constraint};${rest}`;
  return [
    { type: 'INDEX', name: `for ${block.name}`, sql: index },
    { ...block, sql: takeOver },
  ];
}

/** A build that is begun last should be short: while it ends, the other sessions have nothing to do. */
export function largestFirst(builds: Block[], sizes: Map<string, number>): Block[] {
  const size = ({ sql }: Block) => sizes.get(onTable.exec(sql)?.[1] ?? '') ?? 0;
  return builds.toSorted((a, b) => size(b) - size(a));
}

const name = '"(?:[^"]|"")+"';
const plainConstraint = new RegExp(
  `^\\s*ALTER TABLE ONLY (${name}\\.${name})\\s+ADD CONSTRAINT (${name}) (PRIMARY KEY|UNIQUE) (\\((?:${name}(?:, )?)+\\));`,
);
const onTable = new RegExp(` ON (?:ONLY )?(${name}\\.${name})`);

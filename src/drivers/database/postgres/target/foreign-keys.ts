import type { Block } from './schema.ts';

/**
 * A foreign key that is checked as it is added keeps both of its tables locked, so that those of related tables wait for
 * each other. Added unchecked, which takes a moment, and validated afterwards, they are checked side by side. Those of
 * partitioned tables cannot be added so (pg_dump writes them without ONLY), and what the source never checked stays so.
 */
export function checkedLater(block: Block): { added: Block; checked: Block[] } {
  const [all, table, constraint] = plainForeignKey.exec(block.sql) ?? [];
  if (!all || / NOT (VALID|ENFORCED);\s*$/.test(all)) return { added: block, checked: [] };
  const sql = `ALTER TABLE ${table} VALIDATE CONSTRAINT ${constraint};`;
  return {
    added: { ...block, sql: all.replace(/;\s*$/, ' NOT VALID;') },
    checked: [{ type: 'FK VALIDATION', name: block.name, sql }],
  };
}

const name = '"(?:[^"]|"")+"';
const plainForeignKey = new RegExp(
  `^\\s*ALTER TABLE ONLY (${name}\\.${name})\\s+ADD CONSTRAINT (${name}) FOREIGN KEY [^;]*;\\s*$`,
);

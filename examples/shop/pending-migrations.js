// Prints the migrations that the database lacks, one a line; nothing when it has them all.
import { pool } from './lib/database.js';
import { pendingMigrations } from './lib/schema.js';

for (const name of await pendingMigrations()) console.log(name);
await pool.end();

import { storkySchema } from './names.ts';

/**
 * The same table on both sides. Epoch > 0: the marker of a switch. Epoch 0: the copy is complete. Epoch < 0: a probe.
 * Rows are only ever inserted, so that a marker stands for one moment of the source's history. Needs a key for the stream.
 */
export const createMarkerTable = [
  `CREATE DATABASE IF NOT EXISTS ${storkySchema} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`,
  `CREATE TABLE IF NOT EXISTS ${storkySchema}.marker (
    id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    migration CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    epoch BIGINT NOT NULL,
    payload LONGTEXT NULL,
    at TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6)
  ) ENGINE = InnoDB`,
];

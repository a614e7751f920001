import { startWebAtTarget } from '../../start-web.ts';

export const startWebIfSkipped = startWebAtTarget('finalize');
export const startWebForRollback = startWebAtTarget('rollback');

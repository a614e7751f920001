import { availableParallelism } from 'node:os';

/** Sessions that copy at the same time, and then build indexes at the same time. */
export const copyWorkers = Math.max(2, Math.min(4, availableParallelism()));

/** A copy that is lost with the server's crash is made again; the last commit of the copy waits for the disk. */
export const sessionSettings = {
  synchronous_commit: 'off',
  maintenance_work_mem: '256MB',
  // Several indexes are built at once already; helpers for each would be in each other's way.
  max_parallel_maintenance_workers: Math.max(0, Math.floor(availableParallelism() / copyWorkers) - 1),
};

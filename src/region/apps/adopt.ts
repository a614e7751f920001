import type { Runtime } from '../../drivers/runtime/contract.ts';
import type { ProcessTable } from './process-table.ts';
import type { Started } from './start-duty.ts';

/** The processes of the table that still run. Of those that have ended, the children are ended too, and the entry goes. */
export async function adoptAll(runtime: Runtime, table: ProcessTable): Promise<Started[]> {
  const found = await Promise.all(
    table.entries().map(async (entry) => {
      const process = await runtime.adopt(entry.handle);
      if (process) return { entry, process };
      await runtime.stop(entry.handle, entry.stopTimeoutMs);
      table.drop(entry.run);
      return undefined;
    }),
  );
  return found.filter((started) => started !== undefined);
}

export async function endAdopted(runtime: Runtime, table: ProcessTable, { entry, process }: Started): Promise<void> {
  await runtime.stop(entry.handle, entry.stopTimeoutMs);
  process.release();
  table.drop(entry.run);
}

import { randomBytes } from 'node:crypto';
import { appendFileSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { freePort } from '../../base/free-port.ts';
import { log } from '../../base/log.ts';
import type { RunningProcess, Runtime } from '../../drivers/runtime/contract.ts';
import { type Duty, labelOf } from './duty.ts';
import type { ProcessEntry, ProcessTable } from './process-table.ts';

export interface Started {
  entry: ProcessEntry;
  process: RunningProcess;
}

/** Starts one process of the duty; it is in the table before its command begins. */
export async function startDuty(runtime: Runtime, table: ProcessTable, duty: Duty, restarts: number): Promise<Started> {
  const port = duty.web ? await freePort() : null;
  const run = `${labelOf(duty)}-${randomBytes(4).toString('hex')}`;
  mkdirSync(dirname(duty.logFile), { recursive: true, mode: 0o700 });
  let entry: ProcessEntry | undefined;
  const process = await runtime.start(
    {
      run,
      command: duty.command,
      folder: duty.folder,
      environment: port === null ? duty.environment : { ...duty.environment, PORT: String(port) },
      logFile: duty.logFile,
    },
    (handle) => {
      const { type, index, spec, folder, command, stopTimeoutMs } = duty;
      const since = new Date().toISOString();
      entry = { run, type, index, port, handle, spec, folder, command, stopTimeoutMs, since, ready: false, restarts };
      table.put(entry);
    },
  );
  return { entry: entry!, process };
}

/** What Storky itself has to say about a process goes where its owner looks: into its log. */
export function note(duty: Duty, line: string): void {
  try {
    mkdirSync(dirname(duty.logFile), { recursive: true, mode: 0o700 });
    appendFileSync(duty.logFile, `storky: ${line}\n`, { mode: 0o600 });
  } catch (error) {
    log.warn({ process: labelOf(duty), error: String(error) }, line); // A full disk ends no supervision.
  }
}

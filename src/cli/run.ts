import { CommanderError } from 'commander';
import { StorkyError } from '../protocol/errors.ts';
import type { AnyCommand } from './command.ts';
import { connectTo } from './connection/client.ts';
import { serverToUse } from './connection/known-server.ts';
import type { Context, GlobalOptions } from './context.ts';
import { errorJson, errorText, usage } from './errors.ts';
import { type ExitCode, exitCodeOf, exitCodes } from './exit.ts';
import { usageOf } from './help.ts';
import type { Io } from './io.ts';
import { buildProgram } from './program.ts';
import { paintFor } from './show/paint.ts';

/** Runs one command line and gives its exit code. Never throws: what goes wrong is printed, in words or as JSON. */
export async function runCli(argv: string[], io: Io): Promise<ExitCode> {
  const json = argv.slice(0, argv.includes('--') ? argv.indexOf('--') : undefined).includes('--json');
  let exit: ExitCode = exitCodes.ok;
  const program = buildProgram(io, async (command, input, global) => {
    exit = await runCommand(command, input, global, io);
  });
  try {
    await program.parseAsync(argv, { from: 'user' });
    return exit;
  } catch (thrown) {
    if (thrown instanceof CommanderError && thrown.exitCode === 0) return exitCodes.ok;
    if (io.signal.aborted && (thrown as Error).name === 'AbortError') return exitCodes.interrupted;
    const error = thrown instanceof CommanderError ? usageFrom(thrown) : StorkyError.from(thrown);
    const paint = paintFor(io, !argv.includes('--no-color'));
    if (json) io.stdout.write(`${JSON.stringify(errorJson(error))}\n`);
    else
      io.stderr.write(`${errorText(error, paint, error.code === 'bad_usage' ? usageOf(program, argv) : undefined)}\n`);
    return exitCodeOf(error.code);
  }
}

async function runCommand(command: AnyCommand, input: object, global: GlobalOptions, io: Io): Promise<ExitCode> {
  const server = command.needs === 'server' ? connectTo(await serverToUse(io, global)) : null;
  const context: Context = { io, global, paint: paintFor(io, global.color), server };
  try {
    const outcome = await command.run(context, input);
    const out = global.json ? outcome.data && JSON.stringify(outcome.data) : outcome.text;
    if (out) io.stdout.write(`${out}\n`);
    return outcome.exit ?? exitCodes.ok;
  } finally {
    await server?.close();
  }
}

/** Commander's words, without its prefix. */
function usageFrom(error: CommanderError): StorkyError {
  const detail = error.message.replace(/^error: /, '').replace(/\n/g, ' ');
  return usage(detail.charAt(0).toUpperCase() + detail.slice(1), detail.match(/--?[a-z-]+/)?.[0] ?? 'arguments');
}

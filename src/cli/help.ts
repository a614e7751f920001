import type { Command as Commander } from 'commander';
import type { Io } from './io.ts';
import { paintFor } from './show/paint.ts';

const environment = [
  'Environment: STORKY_REGION, STORKY_APP, STORKY_URL, STORKY_TOKEN, STORKY_CA (fingerprint or PEM file), NO_COLOR',
  'Exit codes:  0 done · 1 failed · 2 wrong usage · 3 not confirmed · 4 no server, or not let in · 130 Ctrl-C',
].join('\n');

/** `Usage: storky …` of the command that was typed. */
export function usageOf(program: Commander, argv: string[]): string {
  const named = argv.map((word) => program.commands.find((command) => command.name() === word));
  const command = named.find(Boolean) ?? program;
  return `Usage: ${command.createHelp().commandUsage(command)}`;
}

/** Help goes where output goes; commander's own error lines are silent, since errors have one look. */
export function formatHelp(program: Commander, io: Io): void {
  const paint = paintFor(io, true);
  program
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: () => {},
      getOutHelpWidth: () => io.stdout.columns ?? 100,
      getOutHasColors: () => paint.isColorSupported,
    })
    .configureHelp({
      showGlobalOptions: true,
      subcommandTerm: (command) => command.name(),
      styleTitle: (title) => paint.bold(title),
      styleCommandText: (text) => paint.cyan(text),
    })
    .addHelpCommand(false)
    .addHelpText('after', `\n${environment}`);
}

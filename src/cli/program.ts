import { Command as Commander, Option } from 'commander';
import { z } from 'zod';
import { type AnyCommand, groups, type Spec, type Specs } from './command.ts';
import { GlobalOptions } from './context.ts';
import { usage } from './errors.ts';
import { formatHelp } from './help.ts';
import type { Io } from './io.ts';
import { closest } from './manifest/suggest.ts';
import { overview } from './overview.ts';
import { commands } from './registry.ts';
import { paintFor } from './show/paint.ts';
import { version } from './version.ts';

function unknownCommand(typed: string): Error {
  const near = closest(
    typed,
    commands.map((command) => command.name),
  );
  return usage(`There is no command named ${typed}${near ? `; did you mean ${near}?` : ''}`, typed);
}

type Run = (command: AnyCommand, input: object, global: GlobalOptions) => Promise<void>;

/** The commands as commander knows them. It parses; the schemas of each command check what it parsed. */
export function buildProgram(io: Io, run: Run): Commander {
  const program = new Commander('storky');
  formatHelp(program, io);
  program
    .description('Moves a live application, with its data, from one region to another.')
    .version(version(), '--version', 'print the version')
    .helpOption('-h, --help', 'show help')
    .option('--region <name>', 'the region of the app (STORKY_REGION)')
    .option('--app <name>', 'the app (STORKY_APP)')
    .option('--server <address>', 'the server, https://host:port (STORKY_URL)')
    .option('--json', 'print one JSON document')
    .option('--yes', 'do not ask for confirmation')
    .option('--no-color', 'no colours (NO_COLOR)')
    .action((_, program_) => {
      if (program_.args.length > 0) throw unknownCommand(program_.args[0]!);
      io.stdout.write(`${overview(paintFor(io, globalOptions(program, io).color))}\n`);
    })
    .allowExcessArguments()
    .showSuggestionAfterError();
  for (const group of groups)
    for (const command of commands.filter((each) => each.group === group)) add(program, command, io, run);
  return program;
}

function add(program: Commander, command: AnyCommand, io: Io, run: Run): void {
  const sub = program
    .command(command.name)
    .summary(command.summary)
    .description(command.summary)
    .helpGroup(command.group);
  for (const [key, spec] of Object.entries<Spec>(command.args)) sub.argument(argumentFlags(key, spec), spec.text);
  for (const [key, spec] of Object.entries<Spec>(command.options)) {
    const option = new Option(optionFlags(key, spec), spec.text).makeOptionMandatory(isRequired(spec));
    if (spec.repeat) option.argParser((value, all: string[] = []) => [...all, value]);
    sub.addOption(option);
  }
  sub.action(async () => {
    const typed = {
      ...Object.fromEntries(Object.keys(command.args).map((key, i) => [key, sub.processedArgs[i]])),
      ...sub.opts(),
    };
    await run(command, checked({ ...command.args, ...command.options }, typed, command), globalOptions(program, io));
  });
}

function argumentFlags(key: string, spec: Spec): string {
  const name = (spec.placeholder ?? `<${key}>`).slice(1, -1) + (spec.repeat ? '...' : '');
  return isRequired(spec) ? `<${name}>` : `[${name}]`;
}

function optionFlags(key: string, spec: Spec): string {
  const long = `--${spec.negated ? 'no-' : ''}${kebab(key)}${spec.placeholder ? ` ${spec.placeholder}` : ''}`;
  return spec.short ? `${spec.short}, ${long}` : long;
}

const isRequired = (spec: Spec) => !spec.schema.safeParse(undefined).success;
const kebab = (key: string) => key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

function checked(specs: Specs, typed: Record<string, unknown>, command: AnyCommand): object {
  const shape = Object.fromEntries(Object.entries(specs).map(([key, spec]) => [key, spec.schema]));
  const result = z.object(shape).safeParse(typed);
  if (result.success) return result.data;
  const issue = result.error.issues[0]!;
  const key = String(issue.path[0]);
  const name = key in command.args ? argumentFlags(key, command.args[key]!) : `--${kebab(key)}`;
  throw usage(`${name}: ${issue.message}`, name);
}

function globalOptions(program: Commander, { env }: Io): GlobalOptions {
  const typed = program.opts();
  const result = GlobalOptions.safeParse({
    ...typed,
    region: typed.region ?? (env.STORKY_REGION || undefined),
    app: typed.app ?? (env.STORKY_APP || undefined),
  });
  if (result.success) return result.data;
  const issue = result.error.issues[0]!;
  throw usage(`--${String(issue.path[0])}: ${issue.message}`, `--${String(issue.path[0])}`);
}

import { groups } from './command.ts';
import { commands } from './registry.ts';
import type { Paint } from './show/paint.ts';

const move: [command: string, what: string][] = [
  ['storky --region <here> --app <app> migration-create --to <there>', 'checks everything, changes nothing'],
  ['storky --app <app> migration-run --prepare <id>', 'locks the settings, builds the app over there'],
  ['storky --app <app> migration-run --data <id>', 'copies the data, and follows every change'],
  ['storky --app <app> migration-run --finalize <id>', 'switches; requests wait a moment, none fails'],
  ['storky --app <app> migration-abort <id>', 'before the switch: takes it all back, at any time'],
  ['storky --app <app> migration-rollback <id>', 'after it: switches back, with what was written since'],
  ['storky --app <app> migration-complete <id>', 'ends the way back, when you need it no more'],
];

/** What `storky` alone says: how a move goes, then every command by its group. */
export function overview(paint: Paint): string {
  const width = Math.max(...commands.map((command) => command.name.length)) + 2;
  return [
    `${paint.bold('storky')} moves a live application, with its data, from one region to another. Each step can be taken back.`,
    '',
    paint.bold('A move, step by step'),
    ...move.flatMap(([command, what], i) => [`  ${i < 4 ? `${i + 1}.` : '· '} ${what}`, `     ${paint.cyan(command)}`]),
    `  Or all of them, asking once before the switch: ${paint.cyan('storky move <app> --to <there>')}`,
    ...groups.flatMap((group) => [
      '',
      paint.bold(group),
      ...commands
        .filter((command) => command.group === group)
        .map((command) => `  ${paint.cyan(command.name.padEnd(width))}${command.summary}`),
    ]),
    '',
    paint.dim('`storky <command> --help` tells more; `--json` and `--yes` work everywhere.'),
  ].join('\n');
}

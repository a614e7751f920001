import type { CheckResult, Migration } from '../../protocol/migration.ts';
import type { Paint } from '../show/paint.ts';
import { duration } from '../show/units.ts';
import { wrap } from '../show/wrap.ts';

/** The preflight's findings: an aligned table, what is not moved, and the freeze that a switch would cost. */
export function preflightText({ report }: Migration, paint: Paint, columns = 100): string {
  const width = Math.max(0, ...report.checks.map((check) => check.name.length));
  const lines = report.checks.flatMap((check) => checkLines(check, width, paint, columns));
  if (report.notMoved.length)
    lines.push(
      '',
      paint.bold('Not moved'),
      ...report.notMoved.flatMap((item) => wrap(`  ${paint.yellow('·')} ${item}`, columns, '    ')),
    );
  if (report.predictedFreezeMs !== null)
    lines.push(
      '',
      `${paint.bold('Predicted freeze:')} ${duration(report.predictedFreezeMs)}, during which requests wait.`,
    );
  const stops = report.stores.filter(({ carrier }) => carrier === 'backup').map(({ name }) => name);
  if (stops.length)
    lines.push(paint.yellow(`Before it the app is STOPPED while ${stops.join(', ')} is copied (carrier backup).`));
  return lines.join('\n');
}

function checkLines(
  { name, verdict, detail, remedy }: CheckResult,
  width: number,
  paint: Paint,
  columns: number,
): string[] {
  const mark = {
    pass: paint.green('✔ pass'),
    warn: paint.yellow('! warn'),
    fail: paint.red('✘ FAIL'),
    'not-applicable': paint.dim('–  n/a'),
  };
  const indent = ' '.repeat(width + 10);
  const wraps = columns > width + 40;
  const text = wraps ? detail : `\n  ${detail}`;
  const told = verdict === 'pass' || verdict === 'not-applicable' ? paint.dim(text) : text;
  const first = wrap(`${mark[verdict]}  ${name.padEnd(width)}  ${told}`, columns, wraps ? indent : '  ');
  const advice =
    remedy && verdict !== 'pass'
      ? wrap(`${wraps ? indent : '  '}${paint.cyan('→')} ${remedy}`, columns, wraps ? `${indent}  ` : '    ')
      : [];
  return [...first, ...advice];
}

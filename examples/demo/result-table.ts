import Table from 'cli-table3';
import pc from 'picocolors';

/** Names and figures, one line each; coloured where the terminal is. */
export function resultTable(rows: [name: string, figure: string | number][]): string {
  const between = { mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '' };
  const border = pc.isColorSupported ? ['gray'] : [];
  const table = new Table({ chars: between, style: { head: [], border }, colAligns: ['left', 'right'] });
  table.push(...rows);
  return table.toString();
}

/** A count that should be zero. */
export const good = (count: number): string => (count === 0 ? pc.green('0') : pc.red(String(count)));

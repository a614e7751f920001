import { widthOf } from './wrap.ts';

interface Column {
  title: string;
  align?: 'left' | 'right';
}

/** Aligned columns, two spaces apart, no frame. Cells may be coloured. */
export function table(
  columns: (string | Column)[],
  rows: string[][],
  title: (text: string) => string = (text) => text,
): string {
  const heads = columns.map((column) => (typeof column === 'string' ? { title: column } : column));
  const widths = heads.map((head, i) => Math.max(widthOf(head.title), ...rows.map((row) => widthOf(row[i] ?? ''))));
  const cell = (text: string, i: number) => {
    const space = ' '.repeat(widths[i]! - widthOf(text));
    return heads[i]!.align === 'right' ? space + text : text + space;
  };
  const line = (cells: string[]) => cells.map(cell).join('  ').trimEnd();
  return [line(heads.map((head) => title(head.title))), ...rows.map(line)].join('\n');
}

/** `Name: value` lines, the values below each other. */
export function facts(pairs: [name: string, value: string][], paintName: (text: string) => string): string {
  const width = Math.max(...pairs.map(([name]) => name.length)) + 2;
  return pairs.map(([name, value]) => `${paintName(`${name}:`.padEnd(width))}${value}`).join('\n');
}

import { stripVTControlCharacters } from 'node:util';

/** Columns a text takes on a terminal; its colours take none. */
export const widthOf = (text: string): number => [...stripVTControlCharacters(text)].length;

/**
 * The lines of `text` in at most `columns` columns, broken at spaces where possible; continued lines are indented.
 * Colours may span a break: terminals keep them.
 */
export function wrap(text: string, columns: number, indent = '  '): string[] {
  return text.split('\n').flatMap((line) => wrapLine(line, Math.max(columns, indent.length + 8), indent));
}

function wrapLine(line: string, columns: number, indent: string): string[] {
  if (widthOf(line) <= columns) return [line];
  const lines: string[] = [];
  let current = '';
  for (const word of line.split(/(?<= )/).flatMap((part) => pieces(part, columns - indent.length))) {
    if (widthOf((current + word).trimEnd()) > columns && current.trim()) {
      lines.push(current.trimEnd());
      current = indent;
    }
    current += word;
  }
  return [...lines, current.trimEnd()];
}

/** A word that is wider than a line, in pieces; colour codes are not cut. */
function pieces(word: string, size: number): string[] {
  if (widthOf(word) <= size) return [word];
  const parts: string[] = [''];
  for (const unit of word.match(/\x1b\[[0-9;]*m|./gsu) ?? []) {
    if (widthOf(parts.at(-1)!) >= size && !unit.startsWith('\x1b')) parts.push('');
    parts[parts.length - 1] += unit;
  }
  return parts;
}

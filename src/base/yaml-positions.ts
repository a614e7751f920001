import { type Document, isMap, isNode, isPair, isScalar, type LineCounter, type Node, type Pair } from 'yaml';

export interface Mistake {
  line: number;
  column: number;
  detail: string;
}

export interface Place {
  document: Document;
  lines: LineCounter;
}

export type Path = readonly PropertyKey[];

/** Where the value at `path` is written; of what is missing, where the nearest thing around it begins. */
export function placeOf(path: Path, { document, lines }: Place): { line: number; column: number } {
  for (let depth = path.length; depth >= 0; depth -= 1) {
    const offset = offsetAt(document, path.slice(0, depth), depth === path.length);
    if (offset !== undefined) return position(lines, offset);
  }
  return { line: 1, column: 1 };
}

/** Where the key itself is written. */
export function placeOfKey(path: Path, key: string, place: Place): { line: number; column: number } {
  const pair = pairAt(place.document, [...path, key]);
  return isScalar(pair?.key) && pair.key.range ? position(place.lines, pair.key.range[0]) : placeOf(path, place);
}

/** Of an exact value its own place, of a container its key, since its content may begin lines below. */
function offsetAt(document: Document, path: Path, exact: boolean): number | undefined {
  const node = nodeAt(document, path);
  const pair = path.length ? pairAt(document, path) : undefined;
  const keyOffset = isScalar(pair?.key) ? pair.key.range?.[0] : undefined;
  if (exact && isScalar(node)) return node.value === null ? (keyOffset ?? node.range?.[0]) : node.range?.[0];
  return keyOffset ?? node?.range?.[0];
}

export function nodeAt(document: Document, path: Path): Node | undefined {
  const node = path.length ? document.getIn(path as unknown[], true) : document.contents;
  return isNode(node) ? node : undefined;
}

function pairAt(document: Document, path: Path): Pair | undefined {
  const parent = nodeAt(document, path.slice(0, -1));
  if (!isMap(parent)) return undefined;
  const pair = parent.items.find(({ key }) => isScalar(key) && String(key.value) === String(path.at(-1)));
  return isPair(pair) ? pair : undefined;
}

/** One-based. */
export function position(lines: LineCounter, offset: number): { line: number; column: number } {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(1, line), column: Math.max(1, col) };
}

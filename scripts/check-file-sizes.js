// Small files: one idea each. Above the ceiling, split by concept; an exception needs a reason here.
import { conclude, sources, textOf } from './sources.js';

const ceiling = 300;
const medianAtMost = 80;
const exceptions = {};

const lines = (path) => textOf(path).split('\n').length - 1;
const sizes = sources(/^(src|bin|test|scripts|examples|web)\/.*\.(tsx?|js|css)$/).map((path) => ({
  path,
  lines: lines(path),
}));
const product = sizes
  .filter(({ path }) => /^(src|web)\//.test(path) && !path.includes('.test.'))
  .map((file) => file.lines)
  .sort((a, b) => a - b);
const median = product[Math.floor(product.length / 2)];
const largest = sizes.toSorted((a, b) => b.lines - a.lines)[0];

const problems = sizes
  .filter(({ path, lines }) => lines > ceiling && !(path in exceptions))
  .map(({ path, lines }) => `${path}: ${lines} lines, more than ${ceiling}`);
if (median > medianAtMost) problems.push(`the median of src is ${median} lines, more than ${medianAtMost}`);
conclude(
  problems,
  `src: ${product.length} files, median ${median} lines; the largest of all is ${largest.path} with ${largest.lines}`,
);

// Every relative link in the documents leads to a file, every anchor to a heading, every path in backticks exists, and so does
// every test whose title is quoted after the link to its file.
import { existsSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { root } from './setup.js';
import { conclude, sources, textOf } from './sources.js';

const slug = (heading) =>
  heading
    .toLowerCase()
    .replace(/[^\w\s-]/g, '')
    .trim()
    .replace(/\s/g, '-');
const headings = (path) => [...textOf(path).matchAll(/^#+ (.*)$/gm)].map(([, heading]) => slug(heading));

const documents = sources(/\.md$/);
const links = documents.flatMap((path) =>
  [...textOf(path).matchAll(/\]\((?!\w+:)([^)\s]+)\)/g)].flatMap(([, link]) => {
    const [file, anchor] = link.split('#');
    const target = file ? normalize(join(dirname(path), file)) : path;
    if (!existsSync(join(root, target))) return [`${path}: ${link} leads nowhere`];
    return anchor && target.endsWith('.md') && !headings(target).includes(anchor)
      ? [`${path}: ${link}: no such heading`]
      : [];
  }),
);
const paths = documents.flatMap((path) =>
  [...textOf(path).matchAll(/`((?:src|bin|test|examples|scripts|docs)\/[\w./-]*)`/g)].flatMap(([, named]) =>
    existsSync(join(root, named)) ? [] : [`${path}: there is no ${named}`],
  ),
);
const unescaped = (path) => textOf(path).replace(/\\(?=')/g, '');
const titles = documents.flatMap((path) =>
  [...textOf(path).matchAll(/\]\(([^)\s]+\.ts)\)([^[\n]*)/g)].flatMap(([, link, after]) => {
    const file = normalize(join(dirname(path), link));
    if (!existsSync(join(root, file))) return [];
    const quoted = [...after.matchAll(/“([^”]+)”/g)].filter(([, title]) => !unescaped(file).includes(title));
    return quoted.map(([title]) => `${path}: there is no ${title} in ${file}`);
  }),
);
conclude([...links, ...paths, ...titles], `every link in ${documents.length} documents leads somewhere`);

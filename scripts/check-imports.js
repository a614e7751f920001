// Imports point one way (layers.js), and none of them in a circle. Type imports count: a layer that only names another's types
// depends on it all the same. They are left out of the search for circles, since nothing is loaded by them.
import { dirname, join, normalize } from 'node:path';
import { layers, strangers } from './layers.js';
import { conclude, modules, textOf } from './sources.js';

const files = modules();
const importing =
  /^(?:import|export)\s+(type\s)?(?:[^;'"]*?\sfrom\s*)?['"](\.[^'"]+)['"]|\bimport\(\s*['"](\.[^'"]+)['"]\s*\)/gm;

const imports = new Map(files.map((path) => [path, importsOf(path)]));
const problems = [...wrongWay(), ...circles()];
const count = [...imports.values()].flat().length;
conclude(problems, `${count} imports of ${files.length} modules point the right way`);

function importsOf(path) {
  return [...textOf(path).matchAll(importing)].map(([, type, target, lazy]) => ({
    to: normalize(join(dirname(path), target ?? lazy)),
    loads: !type && !lazy,
  }));
}

function wrongWay() {
  const found = [];
  for (const [path, list] of imports)
    for (const { to } of list) {
      const why = forbidden(path.slice('src/'.length), to.slice('src/'.length));
      if (why) found.push(`${path} imports ${to}: ${why}`);
    }
  return found;
}

function forbidden(from, to) {
  const layer = from.split('/')[0];
  if (!layers[layer]) return `there is no rule for ${layer} in scripts/layers.js`;
  const allowed = [layer, ...layers[layer].may];
  if (!allowed.some((prefix) => to === prefix || to.startsWith(`${prefix}/`)))
    return `${layer} may import ${allowed.join(', ')}`;
  const pair = strangers.find((rule) => rule.from.test(from) && rule.to.test(to));
  if (pair && (pair.from.exec(from)[1] === undefined || pair.from.exec(from)[1] !== pair.to.exec(to)[1]))
    return pair.why;
}

function circles() {
  const done = new Set();
  const found = [];
  const visit = (path, trail) => {
    if (trail.includes(path))
      return void found.push(`in a circle: ${[...trail.slice(trail.indexOf(path)), path].join(' → ')}`);
    if (done.has(path)) return;
    for (const { to, loads } of imports.get(path) ?? []) if (loads) visit(to, [...trail, path]);
    done.add(path);
  };
  for (const path of files) visit(path, []);
  return found;
}

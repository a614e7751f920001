import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** How the shop's web processes are today, in one region: they end at once, answer 500, or do what they should. */
export type Mood = 'ends' | 'sick' | 'well';

/** For `visitedShop`: a shop that is well everywhere but in this region, where it is as the test says. */
export function moodyShop(region: string, file: string) {
  return {
    is: (mood: Mood) => writeFileSync(file, mood),
    change(folder: string): void {
      const manifest = join(folder, 'storky.yaml');
      const wanted = readFileSync(manifest, 'utf8')
        .replace('command: node web.js', 'command: node moody.js')
        .replace('timeoutSeconds: 60', 'timeoutSeconds: 10');
      writeFileSync(manifest, wanted);
      writeFileSync(join(folder, 'moody.js'), program(region, file));
    },
  };
}

const program = (region: string, file: string) => `
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
const mood = process.env.REGION_NAME === '${region}' ? readFileSync('${file}', 'utf8') : 'well';
if (mood === 'ends') process.exit(3);
if (mood === 'sick') createServer((_, response) => response.writeHead(500).end()).listen(process.env.PORT, '127.0.0.1');
else await import('./web.js');
`;

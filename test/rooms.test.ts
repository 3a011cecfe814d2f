import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../src/base/root.ts';

/** The rooms of src/ from the ground up: a file imports its own room and those before it. */
const ROOMS = [
  ...['base', 'wire', 'model', 'linux', 'plan', 'talk', 'evidence', 'stage', 'engines', 'advice', 'judge', 'sweep'],
  ...['report', 'testcontainers', 'cli'],
] as const;
/** What programs of hosts may import of src/. */
const FOR_SERVICES = ['base', 'wire', 'model', 'linux', 'talk'];
/** The public API lies above all rooms. */
const PUBLIC = 'src/index.ts';

interface Arrow {
  from: string;
  to: string;
}

const modules = (['src', 'services'] as const).flatMap((folder) =>
  readdirSync(join(packageRoot, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => `${folder}/${file}`),
);

/** Imports of our own modules in a text, static and dynamic, of types too: paths as they are written. */
const importsIn = (text: string): string[] =>
  [...text.matchAll(/(?:\bfrom|\bimport|\bimport\()\s*['"](\.\.?\/[^'"]+)['"]/g)].map(([, path]) => path as string);

const arrows = modules.flatMap((from): Arrow[] =>
  importsIn(readFileSync(join(packageRoot, from), 'utf8')).map((path) => ({
    from,
    to: normalize(join(dirname(from), path)),
  })),
);

/** "services", or a folder of src/. */
const roomOf = (file: string): string => {
  const [first, second = ''] = file.split('/') as [string, string?];
  return first === 'src' ? second : first;
};

function allowed({ from, to }: Arrow): boolean {
  const [room, other] = [roomOf(from), roomOf(to)];
  if (from === PUBLIC || room === other) return to !== PUBLIC;
  if (room === 'services') return FOR_SERVICES.includes(other);
  const [here, there] = [room, other].map((name) => (ROOMS as readonly string[]).indexOf(name)) as [number, number];
  return there >= 0 && there < here;
}

/** Folders that lead to one another, by whatever way; each circle once. */
function circles(all: readonly Arrow[]): string[] {
  const next = new Map<string, Set<string>>();
  for (const { from, to } of all) {
    const [here, there] = [dirname(from), dirname(to)];
    if (here !== there) next.set(here, (next.get(here) ?? new Set()).add(there));
  }
  const wayBack = (from: string, to: string, seen: Set<string>): string[] | undefined => {
    if (from === to) return [to];
    for (const step of next.get(from) ?? []) {
      if (seen.has(step)) continue;
      const way = wayBack(step, to, seen.add(step));
      if (way) return [from, ...way];
    }
    return undefined;
  };
  const found = new Map<string, string>();
  for (const [here, steps] of next)
    for (const there of steps) {
      const way = wayBack(there, here, new Set([there]));
      if (way) found.set([...new Set(way)].sort().join(' '), [here, ...way].join(' → '));
    }
  return [...found.values()];
}

const text = ({ from, to }: Arrow) => `${from} → ${to}`;

describe('the rooms', () => {
  it('have no file that imports a later room; programs of hosts import what hosts may know', () =>
    expect(arrows.filter((arrow) => !allowed(arrow)).map(text)).toEqual([]));
  it('have no circle of folders', () => expect(circles(arrows)).toEqual([]));
  it('hold every file of src but the public API', () =>
    expect(modules.filter((file) => dirname(file) === 'src')).toEqual([PUBLIC]));
  it('import nothing that is not there', () =>
    expect(arrows.filter(({ to }) => !modules.includes(to)).map(text)).toEqual([]));
});

describe('what watches over the rooms', () => {
  it('sees imports of every form', () =>
    expect(
      importsIn(
        [
          `import { a } from './a.ts';`,
          `import type { B } from '../b.ts';`,
          `import './c.ts';`,
          `export { d } from './d.ts';`,
          `const e = await import('./e.ts');`,
          `type F = import('./f.ts').F;`,
          `import {\n  g,\n} from './g.ts';`,
          `import 'node:fs';`,
        ].join('\n'),
      ),
    ).toEqual(['./a.ts', '../b.ts', './c.ts', './d.ts', './e.ts', './f.ts', './g.ts']));
  it.each([
    ['src/plan/x.ts', 'src/judge/x.ts', false],
    ['src/judge/x.ts', 'src/plan/x.ts', true],
    ['src/sweep/x.ts', 'services/client/x.ts', false],
    ['services/client/x.ts', 'src/talk/x.ts', true],
    ['services/client/x.ts', 'src/stage/x.ts', false],
    ['src/cli/x.ts', 'src/index.ts', false],
    ['src/index.ts', 'src/cli/x.ts', true],
    ['src/attic/x.ts', 'src/base/x.ts', false],
  ])('%s → %s: %s', (from, to, may) => expect(allowed({ from, to })).toBe(may));
  it('finds a circle over three folders, and of a folder with one inside it', () => {
    const circle = (...files: string[]) =>
      circles(files.map((from, index) => ({ from, to: files[(index + 1) % files.length] as string })));
    expect(circle('src/a/x.ts', 'src/b/x.ts', 'src/c/x.ts')).toHaveLength(1);
    expect(circle('src/a/x.ts', 'src/a/b/x.ts')).toHaveLength(1);
    expect(circles([{ from: 'src/a/x.ts', to: 'src/b/x.ts' }])).toEqual([]);
  });
});

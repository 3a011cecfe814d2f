import { readFileSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/base/root.ts';

/** Every module that one loads, itself included, by paths from the package's root. */
function closure(entry: string, found: Set<string> = new Set()): Set<string> {
  if (found.has(entry)) return found;
  found.add(entry);
  const text = readFileSync(join(packageRoot, entry), 'utf8');
  for (const [statement, path] of text.matchAll(
    /^(?:import|export) [^;]*?from '(\.[^']+)';|import\('(\.[^']+)'\)/gms,
  )) {
    if (/^(?:import|export) type /.test(statement) || path === undefined) continue;
    closure(relative(packageRoot, join(packageRoot, dirname(entry), path)), found);
  }
  return found;
}

/** What a stage of the Dockerfile copies from the repository: files, and folders whole. */
function copied(stage: string): string[] {
  const text = readFileSync(join(packageRoot, 'services/image/Dockerfile'), 'utf8');
  const [, body = ''] = text.split(new RegExp(`^FROM .* AS ${stage}$`, 'm'));
  return [...(body.split(/^FROM /m)[0] ?? '').matchAll(/^COPY (?!--from)(.*) \S+$/gm)].flatMap(([, paths]) =>
    (paths as string).split(' '),
  );
}

describe('the image’s stage that builds kernels', () => {
  it('has every module that npm run kernel loads, and few others: a change elsewhere builds no kernel again', () => {
    const paths = copied('kernel');
    const has = (module: string) =>
      paths.some(
        (path) => path === module || (module.startsWith(`${path}/`) && statSync(join(packageRoot, path)).isDirectory()),
      );
    expect([...closure('src/cli/kernel.ts')].filter((module) => !has(module))).toEqual([]);
    expect(paths.filter((path) => /^(src|services)(\/[a-z]+)?$/.test(path))).toEqual(['src/base']);
  });
});

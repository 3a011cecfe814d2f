import { expect, it } from 'vitest';
import { nameOfFile } from '../../src/plan/file-name.ts';

it.each([
  ['/a/my-night.yaml', 'my-night'],
  ['b_2.yml', 'b_2'],
  ['/a b/c.yaml', 'c'],
])('%j is called %j', (path, name) => expect(nameOfFile(path)).toBe(name));

it.each(['/a/...yaml', '/a/-x.yaml', '/a/b"c.yaml', '/a/b\n.yaml', '/a/latest.yaml', '/a/.yaml'])(
  '%j is refused with the name of the file',
  (path) => {
    const error = expect.objectContaining({ code: 'BAD_FILE', message: expect.stringContaining('cannot give a run') });
    expect(() => nameOfFile(path)).toThrow(error);
  },
);

import { describe, expect, it } from 'vitest';
import { networksOf } from '../../src/engines/docker/graph.ts';
import type { ActPlan } from '../../src/plan/plan.ts';

/** Hosts by their roles: c… clients, b… boxes, s… servers. */
const graph = (...paths: { client: string; boxes: string[]; servers: string[] }[]) => {
  const role = { c: 'client', b: 'middlebox', s: 'server' } as Record<string, string>;
  const names = new Set(paths.flatMap(({ client, boxes, servers }) => [client, ...boxes, ...servers]));
  const hosts = [...names].map((name) => ({ name, role: role[name[0] as string] }));
  return networksOf({ paths, hosts } as unknown as ActPlan);
};

describe('networks of containers', () => {
  it('are two where one box stands between a client and its servers', () =>
    expect(graph({ client: 'c', boxes: ['b'], servers: ['s1', 's2'] })).toEqual([
      { far: ['b'], near: ['c'] },
      { far: ['s1', 's2'], near: ['b'] },
    ]));
  it('stand before every box, with all who speak to it, so that it has one address for all', () =>
    expect(
      graph({ client: 'c1', boxes: ['b1', 'b2'], servers: ['s'] }, { client: 'c2', boxes: ['b2'], servers: ['s'] }),
    ).toEqual([
      { far: ['b1'], near: ['c1'] },
      { far: ['b2'], near: ['b1', 'c2'] },
      { far: ['s'], near: ['b2'] },
    ]));
  it('keep servers apart that others speak to', () =>
    expect(
      graph({ client: 'c1', boxes: ['b1'], servers: ['s1'] }, { client: 'c2', boxes: ['b2'], servers: ['s2'] }).map(
        ({ far }) => far,
      ),
    ).toEqual([['b1'], ['s1'], ['b2'], ['s2']]));
  it('have a server beside its client where no box is between', () =>
    expect(graph({ client: 'c', boxes: [], servers: ['s'] })).toEqual([{ far: ['s'], near: ['c'] }]));
});

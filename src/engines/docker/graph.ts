// The networks of an act as container engines have them: a host is joined to networks, not to cables.
import type { PathPlan } from '../../plan/paths.ts';
import { type ActPlan, boxesOf } from '../../plan/plan.ts';

/** A network of the lab: those who take connections there, and those who make them. */
export interface SharedNetwork {
  /** One box, or servers that the same hosts speak to. */
  far: string[];
  near: string[];
}

const links = (paths: readonly PathPlan[]): { near: string; far: string }[] =>
  paths.flatMap(({ client, boxes, servers }) => {
    const chain = [client, ...boxes];
    return [
      ...boxes.map((far, index) => ({ near: chain[index] as string, far })),
      ...servers.map((far) => ({ near: chain.at(-1) as string, far })),
    ];
  });

/**
 * One network before every box, with all who speak to it, and one before all servers that the same hosts speak to. So every
 * box and server takes connections at one address, which is on a network of each of its neighbours: nobody needs a route, and
 * only a network's own addresses pass on it.
 */
export function networksOf({ paths, hosts }: Pick<ActPlan, 'paths' | 'hosts'>): SharedNetwork[] {
  const boxes = new Set(boxesOf({ hosts }).map(({ name }) => name));
  const nears = new Map<string, Set<string>>();
  for (const { near, far } of links(paths)) nears.set(far, (nears.get(far) ?? new Set()).add(near));
  const networks = new Map<string, SharedNetwork>();
  for (const [far, near] of nears) {
    const key = boxes.has(far) ? far : `${[...near].sort().join(' ')} `;
    const network = networks.get(key) ?? { far: [], near: [...near] };
    network.far.push(far);
    networks.set(key, network);
  }
  return [...networks.values()];
}

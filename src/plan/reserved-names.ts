// Names that a scenario cannot give, because something else has them already.

/** Names of hosts, and what they would be taken for. */
export const RESERVED_HOSTS: ReadonlyMap<string, string> = new Map([
  ['lo', 'every host has a loopback link of that name'],
  ['eth0', 'every host’s own link is called that, and the middlebox’s links are called as the hosts they lead to'],
  ['all', 'the kernel’s own name for all links (net.ipv4.conf.all)'],
  ['default', 'the kernel’s own name for links to come (net.ipv4.conf.default)'],
  ['quiet', 'a step of a timeline is called that'],
  ['observe', 'a step of a timeline is called that'],
  ['together', 'a step of a timeline is called that'],
  ['lab', 'events of the lab itself carry that name'],
  ['constructor', 'every JavaScript object has a member of that name'],
]);

/** Names of acts. */
export const RESERVED_ACTS: ReadonlyMap<string, string> = new Map([
  ['constructor', 'every JavaScript object has a member of that name'],
]);

/**
 * The first two pairs of an act and a host that one file would belong to: a run keeps configurations as `<act>-<host>…`.
 * @returns the name that both would have, and the acts that share it; undefined where all differ
 */
export function sharedFileName(
  acts: readonly { name: string; hosts: readonly { name: string }[] }[],
): { name: string; acts: [string, string] } | undefined {
  const owners = new Map<string, string>();
  for (const act of acts)
    for (const host of act.hosts) {
      const name = `${act.name}-${host.name}`;
      const owner = owners.get(name);
      if (owner !== undefined) return { name, acts: [owner, act.name] };
      owners.set(name, act.name);
    }
  return undefined;
}

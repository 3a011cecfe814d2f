// One trial as an act: in the words of a scenario's plan, so that its evidence is a run's like any other.
import type { ActPlan } from '../../plan/plan.ts';
import type { Trial } from '../../plan/trial.ts';

export const [CLIENT, BALANCER, SERVERS] = ['client', 'balancer', ['server', 'stranger']] as const;

/** The servers of a middlebox that balances late packets anew: the second never saw the connection. */
export const serversFor = (trials: readonly Trial[]): string[] =>
  trials.some(({ box }) => box.middlebox.latePacket === 'rebalance') ? [...SERVERS] : SERVERS.slice(0, 1);

/** The hosts of a lab: a client, a middlebox, servers. */
export const hostsWith = (servers: readonly string[], box: Trial['box'] | undefined): ActPlan['hosts'] => [
  { role: 'client', name: CLIENT, library: 'swarm', connections: 1 },
  {
    role: 'middlebox',
    name: BALANCER,
    profile: Object.keys(box?.playedBy ?? {})[0] ?? 'none',
    product: '',
    layer: box?.middlebox.layer ?? 'L4',
    timers: { idleSeconds: box?.middlebox.timeoutSeconds ?? 1 },
    productionTimers: { idleSeconds: box?.middlebox.timeoutSeconds ?? 1 },
    refreshedBy: 'any-packet',
    entrance: true,
    hidesClients: box?.middlebox.layer === 'L7',
    playedBy: box?.playedBy ?? { conntrack: 'drop' },
  },
  ...servers.map((name) => ({ role: 'server' as const, name, group: 'server', server: 'listener' })),
];

export const actNamed = (name: string, hosts: ActPlan['hosts']): ActPlan => ({
  name,
  title: name,
  ip: 'v4',
  hosts,
  paths: [
    {
      client: CLIENT,
      boxes: [BALANCER],
      servers: hosts.flatMap(({ name, role }) => (role === 'server' ? [name] : [])),
    },
  ],
  tuning: {},
  productionTuning: {},
  productionQuietSeconds: 0,
  timeline: [],
  expect: [],
});

/** The act of the trial with this index in a batch. */
export const actName = (index: number): string => `trial-${index + 1}`;
export const actOf = (trial: Trial, index: number): ActPlan => ({
  ...actNamed(actName(index), hostsWith(serversFor([trial]), trial.box)),
  title: trial.key,
  productionQuietSeconds: trial.quietSeconds,
});

import { z } from 'zod';
import { renderRules } from '../../linux/balancer-rules.ts';
import { type LateBySide, looseFor, MODES, type Mode } from '../../linux/late-packet.ts';
import type { MiddleboxPlan } from '../../plan/plan.ts';
import type { Box } from '../box.ts';
import { manyByConntrack } from '../rules/many-tracked.ts';
import { conntrackSysctls, kernelIdleSeconds, track } from '../rules/tracking.ts';

type Params = Mode | LateBySide;

const paramsOf = (box: Pick<MiddleboxPlan, 'playedBy'>): Params => (box.playedBy as { conntrack: Params }).conntrack;

/** An L4 balancer: DNAT by the kernel's connection tracking. */
const conntrack: Box = {
  params: z.union([
    z.enum(MODES),
    z.strictObject({
      client: z.enum(['rebalance', 'reset-sender', 'drop']).describe('what a late packet of a client meets'),
      server: z.enum(['passes', 'reset-sender', 'drop']).describe('what a late packet of a server meets'),
    }),
  ]),
  entrance: true,
  hidesClients: () => false,
  many: manyByConntrack,
  sysctls: (box) => conntrackSysctls(kernelIdleSeconds(box), looseFor(paramsOf(box))),
  async play(context) {
    const { box, host, next, connections, port, ip } = context;
    const mode = paramsOf(box);
    const address = host.serviceAddress ?? host.address;
    const rules = renderRules({
      address,
      port,
      brokers: next,
      connections,
      idleTimeoutSeconds: kernelIdleSeconds(box),
      mode,
      ownAddress: !host.passesForeignAddresses,
      ip,
    });
    await track(context, { rules, loose: looseFor(mode), resetsBoth: mode === 'reset-both' });
    return { entrance: { address, port } };
  },
};
export default conntrack;

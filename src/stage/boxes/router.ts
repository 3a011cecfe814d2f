import { LabError } from '../../base/errors.ts';
import type { MiddleboxPlan } from '../../plan/plan.ts';
import type { Box } from '../box.ts';
import { manyByConntrack } from '../rules/many-tracked.ts';
import { type RouterParams, renderRouter, routerParams, routerRules } from '../rules/router-rules.ts';
import { conntrackSysctls, kernelIdleSeconds, track } from '../rules/tracking.ts';

const rulesOf = (box: Pick<MiddleboxPlan, 'playedBy'>) =>
  routerRules((box.playedBy as { router: RouterParams }).router);

/** A box on the path: a stateful firewall, a router that forwards, a NAT. */
const router: Box = {
  params: routerParams,
  entrance: false,
  hidesClients: (params) => routerRules(params as RouterParams).masquerades,
  // Where it stands makes no difference to its timers.
  many: manyByConntrack,
  sysctls: (box) => conntrackSysctls(kernelIdleSeconds(box), rulesOf(box).loose),
  refuses({ box, behind, hosts, ip }) {
    const groups = hosts.flatMap((host) => (host.role === 'server' && behind.includes(host.name) ? [host.group] : []));
    const group = groups.find((name, index) => groups.indexOf(name) < index);
    if (group !== undefined)
      return {
        what: `packets pass it to one server, not to all of ${group}: it does not balance`,
        todo: 'leave out "count" and all servers but one, or put a balancer behind it, such as aws-nlb or l4-drop',
      };
    return ip === 'v6' && rulesOf(box).masquerades
      ? {
          what: 'it translates addresses, which nobody does to IPv6: every host has its own',
          todo: 'write "ip: v4", or put a firewall in its place',
        }
      : undefined;
  },
  async play(context) {
    const { box, host, next, port, ip } = context;
    const rules = rulesOf(box);
    const address = host.serviceAddress ?? host.address;
    const [server, ...others] = next;
    if (!host.passesForeignAddresses && (server === undefined || others.length > 0))
      throw new LabError(
        'BAD_OPTION',
        `${box.name} leads to ${next.length} hosts, and no packet passes it here with the address that it has`,
        'play it on --engine netns or virtual',
      );
    const entrance = host.passesForeignAddresses || server === undefined ? undefined : { address, server };
    await track(context, {
      rules: renderRouter(rules, { ip, port, ...(entrance ? { entrance } : {}) }),
      loose: rules.loose,
    });
    return entrance ? { entrance: { address, port } } : {};
  },
};
export default router;

import { z } from 'zod';
import { LabError } from '../../base/errors.ts';
import type { MiddleboxPlan } from '../../plan/plan.ts';
import { endText } from '../../wire/endpoint.ts';
import { parseIpvsTable } from '../../wire/ipvs-table.ts';
import { type Box, type FlowSource, setSysctls } from '../box.ts';
import type { LabHost } from '../lab.ts';
import type { ManyPlayer } from '../many.ts';

/** Seconds for established, FIN-WAIT and UDP entries; 0 leaves what is. */
const timeouts = (idleTimeoutSeconds: number): string[] => [String(Math.round(idleTimeoutSeconds)), '0', '0'];

type Params = { ipvs: { sloppyTcp: boolean } };

const sysctls = (box: MiddleboxPlan) => ({
  'net.ipv4.vs.sloppy_tcp': (box.playedBy as Params).ipvs.sloppyTcp ? 1 : 0,
});

const noIpvs = () =>
  new LabError(
    'WRONG_KERNEL',
    'this kernel has no IPVS',
    'add --engine virtual, whose kernel brings it; or load it (as root): modprobe -a ip_vs ip_vs_rr',
  );

const flowsOf = (host: LabHost): FlowSource => ({
  tracker: 'ipvs',
  table: async () => parseIpvsTable((await host.procNet('ip_vs_conn')) ?? ''),
});

/** Its timeouts are one for all services of a host. */
const many: ManyPlayer = {
  group({ playedBy, middlebox }) {
    // Which server a late packet is balanced to would be a matter of chance.
    if (!('ipvs' in playedBy) || (playedBy as Params).ipvs.sloppyTcp) return undefined;
    return `ipvs ${middlebox.timeoutSeconds}`;
  },
  async play({ host, servers, ports }) {
    const [first] = ports;
    if (first === undefined) throw new Error('no ports');
    if ((await host.procNet('ip_vs_conn')) === undefined) throw noIpvs();
    const rules = ports.flatMap(({ port }) => [
      `-A -t ${endText(host.serviceAddress ?? '', port)} -s rr`,
      `-a -t ${endText(host.serviceAddress ?? '', port)} -r ${endText(servers[0]?.address ?? '', port)} -m`,
    ]);
    await host.run('ipvsadm', ['--restore'], { input: `${rules.join('\n')}\n`, privileged: true });
    await host.run('ipvsadm', ['--set', ...timeouts(first.box.middlebox.timeoutSeconds)], { privileged: true });
    await host.setSysctl('net.ipv4.vs.sloppy_tcp', 0);
    return { address: host.serviceAddress as string, flows: flowsOf(host) };
  },
};

/** The kernel's own L4 balancer, in NAT mode, round robin: what kube-proxy's ipvs mode and Docker's swarm VIPs are made of. */
const ipvs: Box = {
  many,
  params: z.strictObject({ sloppyTcp: z.boolean() }),
  entrance: true,
  hidesClients: () => false,
  // ipvsadm --clear takes services away; connections wait for them to come back (ip_vs_trash_get_dest()).
  keepsTable: 'IPVS has no command that empties its table of connections',
  modules: ['ip_vs', 'ip_vs_rr'],
  sysctls,
  async play({ box, host, next, port, writeConfig }) {
    if ((await host.procNet('ip_vs_conn')) === undefined) throw noIpvs();
    const service = endText(host.serviceAddress ?? '', port);
    const rules = [
      `-A -t ${service} -s rr`,
      ...next.map((each) => `-a -t ${service} -r ${endText(each.address, each.port)} -m`),
      '',
    ].join('\n');
    const set = timeouts(box.timers.idleSeconds);
    await writeConfig(`${host.name}.ipvs`, `${rules}# and: ipvsadm --set ${set.join(' ')}\n`);
    await host.run('ipvsadm', ['--restore'], { input: rules, privileged: true });
    await host.run('ipvsadm', ['--set', ...set], { privileged: true });
    await setSysctls(host, sysctls(box));
    return {
      entrance: { address: host.serviceAddress as string, port },
      flows: flowsOf(host),
    };
  },
};
export default ipvs;

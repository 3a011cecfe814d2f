// Tries, in namespaces of its own, each thing that the lab asks of a kernel; prints one line of JSON for each.
//
// usage: probe
import { spawnSync } from 'node:child_process';
import { messageOf } from '../../base/errors.ts';
import { flowTable } from '../../linux/ctnetlink.ts';
import { socketTable } from '../../linux/inet-diag.ts';
import { inNamespace, interfaceIndex, kernelHz, newNamespace } from '../../linux/libc.ts';
import { PacketRing } from '../../linux/packet-ring.ts';
import { addAddress, addVeth, setLink } from '../../linux/rtnetlink.ts';
import type { Diagnosis } from '../diagnosis.ts';

function attempt(what: string, todo: string, work: () => string): void {
  let diagnosis: Diagnosis;
  try {
    diagnosis = { what, ok: true, found: work() };
  } catch (error) {
    diagnosis = { what, ok: false, found: messageOf(error), todo };
  }
  process.stdout.write(`${JSON.stringify(diagnosis)}\n`);
}

const RULES = `table inet probe {
  ct timeout short {
    protocol tcp
    l3proto ip
    policy = { established : 3 }
  }
  chain forward {
    type filter hook forward priority filter
    ct state invalid drop
  }
  chain nat {
    type nat hook prerouting priority dstnat
  }
}
`;

const [one, other] = [newNamespace(), newNamespace()];
attempt('network namespaces and veth pairs', 'take a kernel with CONFIG_NET_NS and CONFIG_VETH', () => {
  addVeth({ name: 'eth0', namespace: one }, { name: 'eth0', namespace: other });
  inNamespace(one, () => {
    addAddress(interfaceIndex('eth0'), '198.18.0.1', 24);
    setLink(interfaceIndex('eth0'), true);
  });
  return `built; HZ ${kernelHz()}`;
});
attempt('nftables with NAT and time-outs', 'as root: modprobe -a nf_tables nft_ct nft_chain_nat nf_conntrack', () => {
  const { status, error, stderr } = inNamespace(one, () =>
    spawnSync('nft', ['-f', '-'], { input: RULES, encoding: 'utf8' }),
  );
  if (error) throw error;
  if (status !== 0) throw new Error(stderr.split('\n')[0] ?? `exit code ${status}`);
  return 'rules taken';
});
attempt('connection tracking, its table and events', 'as root: modprobe -a nf_conntrack nf_conntrack_netlink', () =>
  inNamespace(one, () => `${flowTable().length} flows`),
);
attempt('socket tables', 'as root: modprobe -a tcp_diag inet_diag', () =>
  inNamespace(one, () => `${socketTable().length} sockets`),
);
attempt('packet capture', 'as root: modprobe af_packet', () => {
  using ring = inNamespace(one, () => new PacketRing(2));
  return `ring ready, ${ring.dropped} frames dropped`;
});
process.exit();

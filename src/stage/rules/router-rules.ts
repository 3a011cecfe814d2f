// Rule sets of a box on the path: packets pass it, and connection tracking looks on; with or without its own address in the
// place of its clients'.
import { z } from 'zod';
import { dnatTo, FAMILY, type IpVersion, OWN_ADDRESS } from '../../linux/balancer-rules.ts';
import type { LateBySide } from '../../linux/late-packet.ts';

/** What a packet meets that belongs to no flow, on its way through. `passes`: it goes on as it came. */
const INVALID = ['drop', 'reset-sender', 'passes'] as const;
const invalidPacket = z.enum(INVALID);
type Invalid = (typeof INVALID)[number];

export const routerParams = z.union([
  z.enum(['stateful']).describe('no translation, nothing is picked up mid-stream, what is invalid is dropped'),
  z.strictObject({
    nat: z.enum(['none', 'masquerade']).default('none'),
    loose: z.boolean().default(false).describe('whether a packet mid-stream makes a new flow (nf_conntrack_tcp_loose)'),
    invalid: z
      .union([invalidPacket, z.strictObject({ client: invalidPacket, server: invalidPacket })])
      .default('drop')
      .describe('what a packet of no flow meets: one word, or one for each side'),
  }),
]);
/** As they stand in a profile. */
export type RouterParams = z.input<typeof routerParams>;

export interface RouterRules {
  masquerades: boolean;
  loose: 0 | 1;
  invalid: { client: Invalid; server: Invalid };
}

export function routerRules(params: RouterParams): RouterRules {
  const { nat, loose, invalid } =
    typeof params === 'string'
      ? { nat: 'none', loose: false, invalid: 'drop' as const }
      : (routerParams.parse(params) as Exclude<z.output<typeof routerParams>, string>);
  return {
    masquerades: nat === 'masquerade',
    loose: loose ? 1 : 0,
    invalid: typeof invalid === 'string' ? { client: invalid, server: invalid } : invalid,
  };
}

/** The same in the words of a balancer, as which sweeps play it: without a loss, for the timers are the same. */
export function lateAtRouter(params: RouterParams): LateBySide {
  const { loose, invalid } = routerRules(params);
  const client = loose === 1 ? 'rebalance' : invalid.client === 'passes' ? 'reset-sender' : invalid.client;
  return { client, server: invalid.server };
}

const VERDICT: Record<Invalid, { through: string; toBox: string }> = {
  drop: { through: 'drop', toBox: 'drop' },
  'reset-sender': { through: 'reject with tcp reset', toBox: 'accept' },
  passes: { through: 'accept', toBox: 'accept' },
};

/**
 * @param entrance where clients speak to the box itself and are led to one server: on networks through which only their own
 * addresses pass
 */
export function renderRouter(
  { masquerades, loose, invalid }: RouterRules,
  options: { ip: IpVersion; port: number; entrance?: { address: string; server: { address: string; port: number } } },
): string {
  const { ip, port, entrance } = options;
  const { header } = FAMILY[ip];
  const serverPort = entrance?.server.port ?? port;
  const rules = (where: 'through' | 'toBox') => {
    const late = [
      ['client', `tcp dport ${port}`],
      ['server', `tcp sport ${serverPort}`],
    ] as const;
    return late
      .flatMap(([side, match]) => {
        const verdict = VERDICT[invalid[side]][where];
        const invalidRule = `    ${match} ct state invalid counter ${verdict}`;
        // A server's packet to an address of the box's own: mid-stream it would make a flow to the box itself.
        return where === 'toBox' && loose === 1 && verdict !== 'accept'
          ? [invalidRule, `    ${match} ct state new tcp flags & syn == 0 counter ${verdict}`]
          : [invalidRule];
      })
      .join('\n');
  };
  const toServer = entrance
    ? `
  chain to_server {
    type nat hook prerouting priority dstnat
    ${header} daddr ${entrance.address} tcp dport ${port} ${dnatTo(ip, entrance.server.address, entrance.server.port)}
  }
`
    : '';
  return `table inet firewall {${toServer}${masquerades || entrance ? OWN_ADDRESS : ''}
  chain forward {
    type filter hook forward priority filter
    ct state established,related,new accept
${rules('through')}
  }

  chain to_box {
    type filter hook input priority filter
${rules('toBox')}
  }
}
`;
}

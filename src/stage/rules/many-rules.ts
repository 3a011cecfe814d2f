// Rule set of an L4 balancer with many ports, each with an idle timeout and a way with late packets of its own. What a packet
// costs does not grow with the number of ports: they are looked up, not tried one after another.

import { OWN_ADDRESS } from '../../linux/balancer-rules.ts';
import { bySide, type LateBySide, type Mode, VERDICTS } from '../../linux/late-packet.ts';
import type { ManyPort } from '../many.ts';
import { lateAtRouter, type RouterParams } from './router-rules.ts';

const list = (items: readonly (string | number)[]): string => items.join(', ');
const set = (name: string, ports: readonly number[]): string =>
  ports.length === 0
    ? `  set ${name} { type inet_service; }`
    : `  set ${name} { type inet_service; elements = { ${list(ports)} } }`;

type Played = Pick<ManyPort['box'], 'playedBy'>;

export const resetsBoth = ({ playedBy }: Played): boolean => playedBy.conntrack === 'reset-both';

/** What a late packet meets at a box of whatever kind, played by connection tracking. */
export function lateOf({ playedBy }: Played): LateBySide {
  if ('router' in playedBy) return lateAtRouter(playedBy.router as RouterParams);
  return bySide((playedBy.conntrack as Mode | LateBySide | undefined) ?? 'drop');
}

/** The words that need a rule; what is accepted needs none. */
const RULED = ['reset-sender', 'drop'] as const;

/**
 * @param servers addresses; a late packet that is balanced anew goes to the second
 * @param options `ownAddress`: whether the box shows its own address to the servers instead of the client's
 */
export function renderManyRules(
  address: string,
  ports: readonly ManyPort[],
  servers: readonly string[],
  { ownAddress = false } = {},
): string {
  const timeouts = [...new Set(ports.map(({ box }) => Math.round(box.middlebox.timeoutSeconds)))];
  const of = (side: keyof LateBySide, word: string) =>
    ports.filter(({ box }) => lateOf(box)[side] === word).map(({ port }) => port);
  const name = (seconds: number) => `idle-${seconds}`;
  const patience = list(
    ports.map(({ port, box }) => `${port} : jump ${name(Math.round(box.middlebox.timeoutSeconds))}`),
  );
  const SIDES = [
    ['client', 'dport'],
    ['server', 'sport'],
  ] as const;
  const late = (where: 'toBox' | 'through') =>
    RULED.flatMap((word) =>
      SIDES.map(([side, end]) => `    tcp ${end} @late-${side}-${word} ct state invalid ${VERDICTS[word][where]}`),
    ).join('\n');
  return `table inet balancer {
${timeouts
  .map(
    (seconds) => `  ct timeout ${name(seconds)} {
    protocol tcp
    l3proto ip
    policy = { established : ${seconds} }
  }
  chain ${name(seconds)} {
    ct timeout set "${name(seconds)}"
  }`,
  )
  .join('\n')}
${set('late-rebalance', of('client', 'rebalance'))}
${SIDES.flatMap(([side]) => RULED.map((word) => set(`late-${side}-${word}`, of(side, word)))).join('\n')}

  chain idle_timeout {
    type filter hook prerouting priority mangle
    tcp dport vmap { ${patience} }
    tcp sport vmap { ${patience} }
  }

  chain balance {
    type nat hook prerouting priority dstnat
    ip daddr ${address} tcp flags & (syn | ack) == syn dnat ip to ${servers[0]}
    ip daddr ${address} tcp dport @late-rebalance dnat ip to ${servers[1] ?? servers[0]}
    ip daddr ${address} meta l4proto tcp dnat ip to ${servers[0]}
  }
${ownAddress ? OWN_ADDRESS : ''}
  chain late_to_box {
    type filter hook input priority filter
${late('toBox')}
  }

  chain late_through {
    type filter hook forward priority filter
${late('through')}
  }
}
`;
}

/** More than a packet without data, or with a heartbeat, less than two. */
const ONE_PACKET_BYTES = 69;
const MOST_LOST = 9;
/** Longer than any lab lives: without it the kernel walks the whole set once a second, filled or not. */
const SEEN = '20d';

/**
 * Where packets get lost on their way into the middlebox, by port: all of them (\`cut\`), or the next few of each connection
 * (\`lose-client-2\`: two from the client). Before connection tracking, which never sees them.
 */
export function renderLosses(counts: readonly number[]): string {
  const losing = counts.flatMap((count) =>
    (
      [
        ['client', 'ip saddr . tcp sport . tcp dport', 'dport'],
        ['server', 'ip daddr . tcp dport . tcp sport', 'sport'],
      ] as const
    ).map(([side, key, end]) => ({ name: loseSet(side, count), key, end, bytes: count * ONE_PACKET_BYTES })),
  );
  return `table inet losses {
${set('cut', [])}
${losing
  .map(
    ({ name }) => `${set(name, [])}
  set ${name}-seen {
    type ipv4_addr . inet_service . inet_service
    size 65535
    flags dynamic,timeout
    timeout ${SEEN}
    gc-interval ${SEEN}
  }`,
  )
  .join('\n')}
  chain path {
    type filter hook prerouting priority raw
    tcp dport @cut drop
    tcp sport @cut drop
${losing.map(({ name, key, end, bytes }) => `    tcp ${end} @${name} update @${name}-seen { ${key} quota until ${bytes} bytes } drop`).join('\n')}
  }
}
`;
}

/** The set whose ports lose so many packets of every connection from now on. */
export function loseSet(side: 'client' | 'server', count: number): string {
  if (count < 1 || count > MOST_LOST) throw new RangeError(`${count} lost packets`);
  return `lose-${side}-${count}`;
}

/** Commands that put ports into a set of \`renderLosses\`, or take them out. */
export const changeLoss = (action: 'add' | 'delete', name: string, ports: readonly number[]): string =>
  `${action} element inet losses ${name} { ${list(ports)} }\n`;

import { LabError, messageOf } from '../../base/errors.ts';
import { inNamespace, interfaceIndex } from '../../linux/libc.ts';
import { delayWhatLeaves } from '../../linux/netem.ts';
import { addVeth, setLink } from '../../linux/rtnetlink.ts';
import type { CountedPackets, Impairment, PacketChoice, PacketKind } from '../../stage/lab.ts';

// A link on which packets can be lost, doubled and delayed on their way: not one veth pair but two, with a namespace between
// that passes every frame on from one to the other (nftables, family netdev).
//
//   web eth0 ══════ w0a [wires] w0b ══════ web nat
//
// So whoever sends sees a packet leave, and whoever does not get it has never seen it: a rule on either host would show in
// that host's capture as something else. It costs a little for every packet, so only those links have it that need it.

/** One end of a link: a host's name, its network namespace, its interface there. */
export interface WireEnd {
  host: string;
  namespace: number;
  link: string;
}

const TABLE = 'netdev wires';
/** Packets that are to arrive twice carry it between two rules; a packet that comes from a host has none. */
const TWICE = 1;
/** Of a counter of packets: more than there will ever be. */
const ROUND = 0x7fff_ffff;
/** 32-bit words that a TCP header has (RFC 9293, 3.1). */
const HEADER_WORDS = Array.from({ length: 11 }, (_, index) => index + 5);

/** Rules that send packets of a kind on to a chain. */
function pick(kind: PacketKind | undefined, then: string): string[] {
  // A header without options in IPv4 has 20 bytes; in IPv6 the length is that of what follows the header.
  const empties = (verdict: string) =>
    HEADER_WORDS.flatMap((words) => [
      `ip hdrlength 5 ip length ${20 + words * 4} tcp doff ${words} ${verdict}`,
      `ip6 nexthdr tcp ip6 length ${words * 4} tcp doff ${words} ${verdict}`,
    ]);
  switch (kind) {
    case undefined:
      return [`meta l4proto tcp ${then}`];
    case 'data':
      return [...empties('return'), `meta l4proto tcp ${then}`];
    case 'empty':
      return ['tcp flags & (syn | fin | rst) != 0 return', ...empties(then)];
    case 'syn':
    case 'fin':
    case 'rst':
      return [`tcp flags & ${kind} == ${kind} ${then}`];
  }
}

interface Fault extends PacketChoice {
  number: number;
  host: string;
}

/** One way along a wire: frames that come from `from` leave by the device `out`. */
interface Way {
  in: string;
  out: string;
  from: string;
  to: string;
}

/** Whether a host's choice takes in this way. */
const concerns = ({ host, direction, neighbour }: PacketChoice & { host: string }, { from, to }: Way): boolean =>
  (from === host && direction !== 'in' && (neighbour === undefined || neighbour === to)) ||
  (to === host && direction !== 'out' && (neighbour === undefined || neighbour === from));

const cannot = (what: string, todo: string, error?: unknown): LabError =>
  new LabError('WRONG_KERNEL', `${what}${error === undefined ? '' : `: ${messageOf(error)}`}`, todo, error);

/** The wires of a lab, in a namespace of their own. */
export class Wires {
  readonly #namespace: number;
  /** Has the kernel take a rule set in that namespace. */
  readonly #rules: (rules: string) => Promise<unknown>;
  readonly #ways: Way[] = [];
  #faults: Fault[] = [];
  #delays: (PacketChoice & { host: string; seconds: number })[] = [];
  #last = 0;

  constructor(namespace: number, rules: (rules: string) => Promise<unknown>) {
    this.#namespace = namespace;
    this.#rules = rules;
  }

  get some(): boolean {
    return this.#ways.length > 0;
  }

  /** Joins two hosts. @returns what cuts and mends the wire between them, as each of the two wants it: both lose their carrier */
  lay(one: WireEnd, other: WireEnd): (host: string, up: boolean) => void {
    const number = this.#ways.length / 2;
    const devices = [one, other].map((end, index) => ({ end, name: `w${number}${index === 0 ? 'a' : 'b'}` }));
    for (const { end, name } of devices)
      addVeth({ name: end.link, namespace: end.namespace }, { name, namespace: this.#namespace });
    const [near, far] = devices as [(typeof devices)[0], (typeof devices)[0]];
    this.#ways.push({ in: near.name, out: far.name, from: one.host, to: other.host });
    this.#ways.push({ in: far.name, out: near.name, from: other.host, to: one.host });
    const set = (up: boolean) =>
      inNamespace(this.#namespace, () => {
        for (const { name } of devices) setLink(interfaceIndex(name), up);
      });
    set(true);
    const cutBy = new Set<string>();
    return (host, up) => {
      if (up) cutBy.delete(host);
      else cutBy.add(host);
      set(cutBy.size === 0);
    };
  }

  /** Has all of them pass on what comes. @throws LabError WRONG_KERNEL */
  async begin(): Promise<void> {
    const chains = this.#ways.map(
      (way) => `
  chain faults-${way.in} { }
  chain from-${way.in} {
    type filter hook ingress device "${way.in}" priority 0;
    jump faults-${way.in}
    meta mark ${TWICE} dup to "${way.out}"
    fwd to "${way.out}"
  }`,
    );
    try {
      await this.#rules(`table ${TABLE} {${chains.join('')}\n}\n`);
    } catch (error) {
      throw cannot(
        'this kernel cannot pass frames on from device to device',
        'take a kernel with CONFIG_NFT_FWD_NETDEV and CONFIG_NFT_DUP_NETDEV, or add --engine virtual',
        error,
      );
    }
  }

  /** Rules that send each way's packets to the faults that concern it. Counters are elsewhere: they go on. */
  #jumps(): string[] {
    return this.#ways.flatMap((way) => [
      `flush chain ${TABLE} faults-${way.in}`,
      ...this.#faults
        .filter((fault) => concerns(fault, way))
        .map(({ number }) => `add rule ${TABLE} faults-${way.in} jump pick-${number}`),
    ]);
  }

  #delay(): void {
    inNamespace(this.#namespace, () => {
      for (const way of this.#ways) {
        const seconds = this.#delays
          .filter((delay) => concerns(delay, way))
          .reduce((sum, delay) => sum + delay.seconds, 0);
        delayWhatLeaves(interfaceIndex(way.out), seconds);
      }
    });
  }

  /** @throws LabError WRONG_KERNEL */
  async impair(host: string, { delaySeconds, delayed, loss, duplicate }: Impairment): Promise<void> {
    if (!this.#ways.some(({ from }) => from === host))
      throw cannot(
        `the links of ${host} were not laid for packets to be lost, doubled or delayed on them`,
        'a verb that impairs a host says so ("impairs: true" in its file in src/stage/verbs)',
      );
    const scripts: string[] = [];
    const add = ({ packets, ...choice }: CountedPackets, verdict: string) => {
      const number = ++this.#last;
      this.#faults.push({ ...choice, host, number });
      const count = packets === undefined ? '' : `numgen inc mod ${ROUND} < ${packets} `;
      scripts.push(
        `table ${TABLE} {
  chain act-${number} {
    ${count}${verdict}
  }
  chain pick-${number} {
${pick(choice.kind, `goto act-${number}`)
  .map((rule) => `    ${rule}`)
  .join('\n')}
  }
}`,
      );
    };
    if (loss !== undefined) add(loss, 'counter drop');
    if (duplicate !== undefined) add(duplicate, `counter meta mark set ${TWICE}`);
    if (scripts.length > 0) await this.#rules(`${[...scripts, ...this.#jumps()].join('\n')}\n`);
    if (delaySeconds === undefined) return;
    this.#delays.push({ ...delayed, host, seconds: delaySeconds });
    try {
      this.#delay();
    } catch (error) {
      this.#delays.pop();
      throw cannot(
        'this kernel cannot delay packets',
        'take a kernel with CONFIG_NET_SCH_NETEM (modprobe sch_netem), or add --engine virtual',
        error,
      );
    }
  }

  async unimpair(host: string): Promise<void> {
    const over = this.#faults.filter((fault) => fault.host === host);
    this.#faults = this.#faults.filter((fault) => fault.host !== host);
    if (over.length > 0) {
      const gone = (kind: string) => over.map(({ number }) => `delete chain ${TABLE} ${kind}-${number}`);
      await this.#rules(`${[...this.#jumps(), ...gone('pick'), ...gone('act')].join('\n')}\n`);
    }
    if (!this.#delays.some((delay) => delay.host === host)) return;
    this.#delays = this.#delays.filter((delay) => delay.host !== host);
    this.#delay();
  }
}

// What a sweep saw that catches people out. Every trap is told only with a measurement that shows it.
import { plainDuration } from '../base/duration.ts';
import { pointText } from './grid.ts';
import { proportionText } from './proportion.ts';
import type { CellResult, Trap } from './result.ts';
import type { SweepSpec } from './spec.ts';

type Seen = CellResult & { measured: NonNullable<CellResult['measured']> };

interface TrapKind extends Pick<Trap, 'id' | 'title' | 'why'> {
  /** What shows it best, in words; undefined where nothing does. */
  seen(cells: readonly Seen[], spec: SweepSpec): string | undefined;
}

const keepaliveOf = ({ client }: CellResult) => (client.keepalive === 'off' ? undefined : client.keepalive);
const timeoutOf = ({ box }: CellResult, { boxes }: SweepSpec): number => boxes[box]?.middlebox.timeoutSeconds ?? 0;
const boxName = ({ box }: CellResult, { boxes }: SweepSpec): string => boxes[box]?.profile ?? '';
const first = <T>(items: readonly T[], by: (item: T) => number): T | undefined =>
  [...items].sort((a, b) => by(a) - by(b))[0];
const slowest = ({ measured }: Seen) => measured.deadPeer.client.idle?.times.at(-1);

const TRAPS: readonly TrapKind[] = [
  {
    id: 'proxy-ignores-keepalive',
    title: 'a TCP keepalive does not refresh a proxy',
    why: 'the proxy’s own kernel answers the probe; its timeouts count bytes of the application',
    seen(cells, spec) {
      const cell = first(
        cells.filter(
          (each) =>
            spec.boxes[each.box]?.middlebox.layer === 'L7' &&
            keepaliveOf(each) !== undefined &&
            each.client.heartbeatSeconds === undefined &&
            each.measured.survives.yes < each.measured.survives.of,
        ),
        (each) => keepaliveOf(each)?.idleSeconds ?? 0,
      );
      return (
        cell &&
        `${boxName(cell, spec)} closes after ${plainDuration(timeoutOf(cell, spec))} although the client probes every ${plainDuration(keepaliveOf(cell)?.idleSeconds ?? 0)}: outlived the quiet in ${proportionText(cell.measured.survives)}`
      );
    },
  },
  {
    id: 'keepalive-too-late',
    title: 'a first probe just below the patience comes too late',
    why: 'kernel timers are late, up to a step of their wheel, and a probe may be lost: keep idle + lateness + lost probes × interval below the timeout',
    seen(cells, spec) {
      const cell = first(
        cells.filter((each) => {
          const idle = keepaliveOf(each)?.idleSeconds ?? Number.POSITIVE_INFINITY;
          const lost = each.measured.lost['1'];
          const fails = (what: { yes: number; of: number } | undefined) => what !== undefined && what.yes < what.of;
          return (
            idle < timeoutOf(each, spec) &&
            spec.boxes[each.box]?.middlebox.layer === 'L4' &&
            (fails(each.measured.survives) || fails(lost))
          );
        }),
        (each) => timeoutOf(each, spec) - (keepaliveOf(each)?.idleSeconds ?? 0),
      );
      if (cell === undefined) return undefined;
      const { survives, lost } = cell.measured;
      const lossy = lost['1'] && lost['1'].of > 0 ? `, with one lost probe in ${proportionText(lost['1'])}` : '';
      return `${cell.id}: outlives the quiet in ${proportionText(survives)}${lossy}`;
    },
  },
  {
    id: 'interval-above-patience',
    title: 'a peer that answers is probed every idle time or every interval, whichever is longer',
    why: 'after an answered probe the kernel first looks again after the interval; one above the patience kills connections, however short idle is',
    seen(cells, spec) {
      const cell = cells.find((each) => {
        const keepalive = keepaliveOf(each);
        return (
          keepalive !== undefined &&
          spec.boxes[each.box]?.middlebox.layer === 'L4' &&
          keepalive.intervalSeconds > timeoutOf(each, spec) &&
          keepalive.idleSeconds < timeoutOf(each, spec) &&
          each.measured.survives.yes < each.measured.survives.of
        );
      });
      return cell && `${cell.id}: outlives the quiet in ${proportionText(cell.measured.survives)}`;
    },
  },
  {
    id: 'heartbeat-switches-keepalive-off',
    title: 'a heartbeat without a timeout for its reply switches keepalive off',
    why: 'keepalive does not run while data is unacknowledged, so a dead peer is left to retransmission (tcp_retries2): about a quarter of an hour',
    seen(cells) {
      const cell = first(
        cells.filter(
          (each) =>
            each.client.heartbeatSeconds !== undefined &&
            each.client.heartbeatTimeoutSeconds === undefined &&
            (slowest(each) ?? 0) > 600,
        ),
        (each) => (keepaliveOf(each) === undefined ? 1 : 0),
      );
      return (
        cell &&
        `${pointText(cell.point)}: an idle client noticed its dead peer after ${plainDuration(slowest(cell) ?? 0)}`
      );
    },
  },
  {
    id: 'user-timeout-below-idle',
    title: 'a user timeout below idle makes one lost probe fatal',
    why: 'with TCP_USER_TIMEOUT the probe count means nothing: the first look after it with a probe out ends the connection',
    seen(cells) {
      const cell = cells.find((each) => {
        const keepalive = keepaliveOf(each);
        const [worst] = Object.values(each.measured.outage).filter(({ yes, of }) => yes < of);
        return (
          keepalive?.userTimeoutSeconds !== undefined &&
          keepalive.userTimeoutSeconds < keepalive.idleSeconds &&
          worst !== undefined
        );
      });
      if (cell === undefined) return undefined;
      const [seconds, worst] = Object.entries(cell.measured.outage).find(([, { yes, of }]) => yes < of) as [
        string,
        Seen['measured']['survives'],
      ];
      return `${cell.id}: outlives an outage of ${plainDuration(Number(seconds))} in ${proportionText(worst)}`;
    },
  },
  {
    id: 'libuv-ignores-the-sysctl',
    title: 'Node.js sets 10 probes, one second apart, whatever net.ipv4.tcp_keepalive_* say',
    why: 'libuv sets TCP_KEEPINTVL 1 and TCP_KEEPCNT 10 unless it is given others (Node 24 can, older ones cannot); a short outage then ends a good connection',
    seen(cells) {
      const cell = first(
        cells.filter(
          (each) =>
            keepaliveOf(each)?.intervalSeconds === 1 &&
            (keepaliveOf(each)?.probes ?? 0) <= 10 &&
            Object.values(each.measured.outage).some(({ yes, of }) => yes < of),
        ),
        (each) => keepaliveOf(each)?.idleSeconds ?? 0,
      );
      if (cell === undefined) return undefined;
      const [seconds, outlived] = Object.entries(cell.measured.outage).find(([, { yes, of }]) => yes < of) as [
        string,
        Seen['measured']['survives'],
      ];
      return `${cell.id}: outlives an outage of ${plainDuration(Number(seconds))} in ${proportionText(outlived)}`;
    },
  },
  {
    id: 'zombies',
    title: 'the server keeps connections to which nobody belongs',
    why: 'the middlebox tells at most one side; a server without keepalive of its own keeps the other forever',
    seen(cells) {
      const cell = first(
        cells.filter(({ measured }) => measured.zombies.yes > 0),
        ({ measured }) => -measured.zombies.yes,
      );
      return cell && `${cell.id}: a zombie was left in ${proportionText(cell.measured.zombies)}`;
    },
  },
  {
    id: 'black-hole',
    title: 'without a timeout of its own a command hangs',
    why: 'a late packet vanishes, and retransmission goes on for tcp_retries2, about a quarter of an hour',
    seen(cells) {
      const cell = first(
        cells.filter(({ measured }) => (measured.requestSeconds.at(-1) ?? 0) > 600),
        ({ measured }) => -(measured.requestSeconds.at(-1) ?? 0),
      );
      return (
        cell && `${cell.id}: the first request hung for ${plainDuration(cell.measured.requestSeconds.at(-1) ?? 0)}`
      );
    },
  },
  {
    id: 'replay',
    title: 'a client that asks again may have its command done twice',
    why: 'the kernel goes on sending what the program has given up, and the program sends it again: both may arrive; ioredis, lettuce, redis-py and go-redis ask again by themselves',
    seen(cells) {
      const cell = cells.find(({ measured }) => measured.duplicatedCommands > 0);
      return (
        cell &&
        `${cell.id}: with a command timeout shorter than an outage, ${cell.measured.duplicatedCommands} of ${cell.measured.survives.of} commands that were asked again were done twice`
      );
    },
  },
];

/** The traps that this sweep saw. */
export function trapsIn(cells: readonly CellResult[], spec: SweepSpec): Trap[] {
  const seen = cells.filter((cell): cell is Seen => cell.measured !== null);
  return TRAPS.flatMap(({ id, title, why, seen: look }) => {
    const says = look(seen, spec);
    return says === undefined ? [] : [{ id, title, why, seen: says }];
  });
}

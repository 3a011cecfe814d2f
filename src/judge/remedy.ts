import type { Advice, Wanted, WantedKeepalive } from '../advice/advice.ts';
import { idleTimeoutText, keepaliveIdleFor, outlasting } from '../advice/rules.ts';
import { formatDuration } from '../base/duration.ts';
import type { MiddleboxPlan } from '../plan/plan.ts';
import type { ActFacts } from './facts.ts';
import type { Finding } from './result.ts';

type Remedy = Finding['remedy'];

/** A note long enough to need lines of its own is a comment behind the last line. */
function rows(where: string, advice: Advice | undefined, wanted: Wanted): Remedy {
  const told = advice?.tell(wanted);
  if (advice === undefined || told === undefined) return [];
  const text = told.text.split('\n');
  return text.map((line, index) => ({
    where,
    text: index === text.length - 1 && told.note !== undefined ? `${line}  ${advice.comment} ${told.note}` : line,
  }));
}

/** Which timeouts matter to a client's own packets: those of all boxes up to the first proxy, which answers for itself. */
function boxesBefore(facts: ActFacts, client: string): MiddleboxPlan[] {
  const boxes = facts.boxesOf({ client });
  const proxy = boxes.findIndex(({ layer }) => layer === 'L7');
  return proxy > 0 ? boxes.slice(0, proxy) : boxes;
}

const timeoutOf = ({ productionTimers }: MiddleboxPlan) => productionTimers.idleSeconds;
const byTimeout = (boxes: readonly MiddleboxPlan[]) => [...boxes].sort((a, b) => timeoutOf(a) - timeoutOf(b));

/** "nlb 350 s, fw 1 h: the shortest decides"; empty where there is but one. */
const timeoutsText = (boxes: readonly MiddleboxPlan[]): string =>
  boxes.length < 2
    ? ''
    : ` (${byTimeout(boxes)
        .map((box) => `${box.name} ${formatDuration(timeoutOf(box))}`)
        .join(', ')}: the shortest decides)`;

/** What a host is told of boxes, the shortest deciding; undefined where none stands before it. */
function wantedBy(
  { plan }: ActFacts,
  boxes: readonly MiddleboxPlan[],
  wants: (timeoutSeconds: number) => Pick<Wanted, 'keepalive' | 'heartbeatSeconds'>,
): Wanted | undefined {
  const [shortest] = byTimeout(boxes);
  return (
    shortest && {
      ...wants(timeoutOf(shortest)),
      layer: shortest.layer,
      timeoutSeconds: timeoutOf(shortest),
      quietSeconds: plan.productionQuietSeconds,
    }
  );
}

/** What the act itself played, where it is soon enough, or the rule: production seconds. */
function keepaliveFor({ plan }: ActFacts, client: string, timeoutSeconds: number): WantedKeepalive {
  const played = plan.productionTuning[client]?.keepalive;
  const rule = keepaliveIdleFor(timeoutSeconds);
  return typeof played === 'object' && played.idleSeconds > 0 && played.idleSeconds <= rule
    ? played
    : { idleSeconds: rule };
}

/** Rows of several hosts, what they have in common once; each host's name where there are several. */
function ofHosts(hosts: readonly string[], rowsOf: (host: string, name: string) => Remedy): Remedy {
  const seen = new Set<string>();
  return hosts
    .flatMap((host) => rowsOf(host, hosts.length > 1 ? ` on ${host}` : ''))
    .filter(({ where, text }) => !seen.has(`${where} ${text}`) && seen.add(`${where} ${text}`));
}

/** The client's keepalive below the idle timeouts on its path, in the library's and the kernel's words. */
export function clientKeepalive(facts: ActFacts): Remedy {
  const { clients = {}, sysctl } = facts.advice;
  return ofHosts(facts.clients, (client, on) => {
    const boxes = boxesBefore(facts, client);
    const wanted = wantedBy(facts, boxes, (timeout) => ({ keepalive: keepaliveFor(facts, client, timeout) }));
    if (wanted === undefined) return [];
    const advice = clients[client];
    return [
      ...rows(`${advice?.title ?? ''}${on}${timeoutsText(boxes)}`, advice, wanted),
      ...rows(`sysctl (client host${on})`, sysctl, wanted),
    ];
  });
}

/** The server's keepalive: the only one that can notice that a client has gone. */
export function serverKeepalive(facts: ActFacts): Remedy {
  const { servers = {}, sysctl } = facts.advice;
  const groups = new Map(facts.servers.map((server) => [facts.kindOf(server), server]));
  const paths = facts.plan.paths.filter(({ client }) => facts.clients.includes(client));
  return ofHosts([...groups.keys()], (group, on) => {
    const server = groups.get(group) as string;
    // Boxes between it and the nearest proxy before it.
    const boxes = paths
      .filter((path) => path.servers.includes(server))
      .flatMap(({ client }) => {
        const all = facts.boxesOf({ client });
        const proxy = all.findLastIndex(({ layer }) => layer === 'L7');
        return proxy >= 0 && proxy < all.length - 1 ? all.slice(proxy + 1) : all;
      });
    const wanted = wantedBy(facts, [...new Set(boxes)], (timeout) => ({
      keepalive: { idleSeconds: Math.min(60, keepaliveIdleFor(timeout)) },
    }));
    if (wanted === undefined) return [];
    const advice = servers[server];
    return [
      ...rows(`${advice?.title ?? ''}${on}`, advice, wanted),
      ...rows(`sysctl (server host${on})`, sysctl, wanted),
    ];
  });
}

/** Bytes of the application, the only thing that refreshes a proxy. */
export function heartbeat(facts: ActFacts): Remedy {
  const { clients = {} } = facts.advice;
  return ofHosts(facts.clients, (client, on) => {
    const boxes = facts.boxesOf({ client });
    const wanted = wantedBy(facts, boxes, (timeout) => ({ heartbeatSeconds: keepaliveIdleFor(timeout) }));
    const advice = clients[client];
    return wanted === undefined ? [] : rows(`${advice?.title ?? ''}${on}${timeoutsText(boxes)}`, advice, wanted);
  });
}

/** Longer idle timeouts of the boxes themselves, where their profiles know how to say it: of all that would forget in the quiet. */
export function longerPatience(facts: ActFacts): Remedy {
  const quiet = facts.plan.productionQuietSeconds;
  const { box: wanted } = facts.about;
  const all = [...new Set(facts.clients.flatMap((client) => facts.boxesOf({ client })))];
  const boxes = byTimeout(all.filter(({ name }) => wanted === undefined || wanted === name));
  const short = boxes.filter((box) => timeoutOf(box) <= quiet);
  return (short.length > 0 ? short : boxes.slice(0, 1)).flatMap(({ remedy, profile, name }) =>
    remedy === undefined
      ? []
      : idleTimeoutText(remedy, outlasting(quiet))
          .split('\n')
          .map((line) => ({ where: all.length > 1 ? `${name} (${profile})` : profile, text: line })),
  );
}

import type { Advice, Wanted, WantedKeepalive } from '../advice/advice.ts';
import { idleTimeoutText, keepaliveIdleFor, outlasting } from '../advice/rules.ts';
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

const wantedBy = ({ plan, box }: ActFacts, wants: Pick<Wanted, 'keepalive' | 'heartbeatSeconds'>): Wanted => ({
  ...wants,
  layer: box.layer,
  timeoutSeconds: box.productionTimers.idleSeconds,
  quietSeconds: plan.productionQuietSeconds,
});

/** What the act itself played, where it is soon enough, or the rule: production seconds. */
function keepaliveFor(facts: ActFacts): WantedKeepalive {
  const played = facts.plan.productionTuning[facts.client]?.keepalive;
  const rule = keepaliveIdleFor(facts.box.productionTimers.idleSeconds);
  return typeof played === 'object' && played.idleSeconds > 0 && played.idleSeconds <= rule
    ? played
    : { idleSeconds: rule };
}

/** The client's keepalive below the middlebox's idle timeout, in the library's and the kernel's words. */
export function clientKeepalive(facts: ActFacts): Remedy {
  const wanted = wantedBy(facts, { keepalive: keepaliveFor(facts) });
  const { client, sysctl } = facts.advice;
  return [...rows(client?.title ?? '', client, wanted), ...rows('sysctl (client host)', sysctl, wanted)];
}

/** The server's keepalive: the only one that can notice that a client has gone. */
export function serverKeepalive(facts: ActFacts): Remedy {
  const idleSeconds = Math.min(60, keepaliveIdleFor(facts.box.productionTimers.idleSeconds));
  const wanted = wantedBy(facts, { keepalive: { idleSeconds } });
  const { server, sysctl } = facts.advice;
  return [...rows(server?.title ?? '', server, wanted), ...rows('sysctl (server host)', sysctl, wanted)];
}

/** Bytes of the application, the only thing that refreshes a proxy. */
export function heartbeat(facts: ActFacts): Remedy {
  const heartbeatSeconds = keepaliveIdleFor(facts.box.productionTimers.idleSeconds);
  const { client } = facts.advice;
  return rows(client?.title ?? '', client, wantedBy(facts, { heartbeatSeconds }));
}

/** A longer idle timeout of the middlebox itself, where its profile knows how to say it. */
export function longerPatience(facts: ActFacts): Remedy {
  const { remedy, profile } = facts.box;
  if (remedy === undefined) return [];
  const text = idleTimeoutText(remedy, outlasting(facts.plan.productionQuietSeconds));
  return text.split('\n').map((line) => ({ where: profile, text: line }));
}

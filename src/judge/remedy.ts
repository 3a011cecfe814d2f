import type { ActFacts } from './facts.ts';
import type { Finding } from './result.ts';

type Remedy = Finding['remedy'];

/** The longest idle time that leaves room for two lost rounds before a middlebox's patience ends: a third of it, in round seconds. */
export function keepaliveIdleFor(timeoutSeconds: number): number {
  const third = Math.max(1, Math.floor(timeoutSeconds / 3));
  return third >= 60 ? Math.floor(third / 20) * 20 : third;
}

/** What the act itself played, or the rule above: production seconds. */
function idleOf(facts: ActFacts): number {
  const played = facts.plan.productionTuning[facts.client]?.keepalive;
  const rule = keepaliveIdleFor(facts.plan.productionIdleTimeoutSeconds);
  return typeof played === 'object' && played.idleSeconds > 0 && played.idleSeconds <= rule ? played.idleSeconds : rule;
}

/** The client's keepalive below the middlebox's patience, in the library's and the kernel's words. */
export function clientKeepalive(facts: ActFacts): Remedy {
  const idle = idleOf(facts);
  return [
    { where: facts.library.name, text: facts.library.keepalive(idle) },
    {
      where: 'sysctl (client host)',
      text: `net.ipv4.tcp_keepalive_time = ${idle}  # only for sockets with SO_KEEPALIVE and no idle time of their own`,
    },
  ];
}

/** The server's keepalive: the only one who can notice that a client has gone. */
export function serverKeepalive(facts: ActFacts): Remedy {
  const idle = Math.min(60, keepaliveIdleFor(facts.plan.productionIdleTimeoutSeconds));
  return [
    { where: facts.broker.name, text: facts.broker.keepalive(idle) },
    {
      where: 'sysctl (server host)',
      text: `net.ipv4.tcp_keepalive_time = ${idle}  # for servers that turn SO_KEEPALIVE on and set nothing else`,
    },
  ];
}

/** Bytes of the application, the only thing that refreshes a proxy. */
export function heartbeat(facts: ActFacts): Remedy {
  return [
    {
      where: facts.library.name,
      text: facts.library.heartbeat(keepaliveIdleFor(facts.plan.productionIdleTimeoutSeconds)),
    },
  ];
}

/** A longer patience of the middlebox itself, where its profile knows how to say it. */
export function longerPatience(facts: ActFacts): Remedy {
  const { remedy, profile } = facts.box;
  const enough = Math.ceil((facts.plan.productionQuietSeconds * 1.25) / 600) * 600;
  return remedy === undefined
    ? []
    : remedy
        .replaceAll('{seconds}', String(enough))
        .split('\n')
        .map((text) => ({ where: profile, text }));
}

import type { ActFacts } from './facts.ts';
import type { Outcome } from './result.ts';

type Counted = Outcome['clients'][string];

/** How often each request was applied by the servers, by its id. */
const appliedIn = ({ evidence }: ActFacts): ReadonlyMap<string, number> => {
  const applied = new Map<string, number>();
  for (const { event, ids = [] } of evidence.events)
    if (event === 'ledger') for (const id of ids) applied.set(id, (applied.get(id) ?? 0) + 1);
  return applied;
};

/** What the connections and requests of clients came to. */
function counted(facts: ActFacts, applied: ReadonlyMap<string, number>): Counted {
  const { morning } = facts;
  const requestsAfterQuiet = { ok: 0, reset: 0, timeout: 0, closed: 0, other: 0 };
  for (const { outcome } of morning) requestsAfterQuiet[outcome]++;
  const replies = morning.flatMap(({ repliedAt }) => repliedAt ?? []);
  const firstStart = Math.min(...morning.map(({ startedAt }) => startedAt));
  const asked = facts.requests.map(({ id }) => id);
  return {
    requestsAfterQuiet,
    lostInQuiet: facts.pool.filter(({ closedAt }) => closedAt !== undefined && closedAt <= (facts.quiet?.to ?? 0))
      .length,
    replayed: morning.filter(({ replayed }) => replayed).length,
    firstReplySeconds: replies.length > 0 ? micro(Math.min(...replies) - firstStart) : null,
    lostMessages: asked.filter((id) => !applied.has(id)).length,
    duplicatedCommands: asked.filter((id) => (applied.get(id) ?? 0) > 1).length,
  };
}

/** Counts what happened in one act, in all and by host; figures only, no opinion. */
export function outcomeOf(facts: ActFacts): Outcome {
  const applied = appliedIn(facts);
  const { zombies } = facts.matchingAtEnd;
  const zombiesOn = (hosts: readonly string[]) => zombies.filter(({ host }) => hosts.includes(host)).length;
  const named = (role: 'client' | 'middlebox' | 'server') =>
    facts.plan.hosts.filter((host) => host.role === role).map(({ name }) => name);
  return {
    ...counted(facts, applied),
    zombies: {
      client: zombiesOn(named('client')),
      middlebox: zombiesOn(named('middlebox')),
      server: zombiesOn(named('server')),
    },
    probesSent: facts.probes.length,
    detectionSeconds: detection(facts),
    hosts: Object.fromEntries(
      facts.plan.hosts.map(({ name, role }) => [
        name,
        {
          role,
          zombies: zombiesOn([name]),
          probesSent: facts.probes.filter(({ from }) => from === name).length,
        },
      ]),
    ),
    clients: Object.fromEntries(facts.clients.map((client) => [client, counted(facts.of({ client }), applied)])),
  };
}

const micro = (seconds: number) => Math.round(seconds * 1e6) / 1e6;

/** From the loss of the other end, or from the first request after the quiet, to the first end that noticed. */
function detection(facts: ActFacts): number | null {
  const { loss } = facts;
  if (loss) {
    // What happens to the sockets of the lost host itself is nobody's notice.
    const lostHosts = 'actions' in loss ? loss.actions.flatMap(({ host }) => facts.hostsNamed(host)) : [];
    const ends = [...facts.clients, ...facts.servers].filter((host) => !lostHosts.includes(host));
    const end = facts.evidence.ends.find(({ host, time }) => ends.includes(host) && time > loss.from);
    return end ? micro(end.time - loss.from) : null;
  }
  const noticed = facts.morning.flatMap(({ outcome, outcomeAt, startedAt }) =>
    outcome !== 'ok' && outcomeAt !== undefined ? [outcomeAt - startedAt] : [],
  );
  return noticed.length > 0 ? micro(Math.min(...noticed)) : null;
}

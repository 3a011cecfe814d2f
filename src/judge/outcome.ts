import type { ActFacts } from './facts.ts';
import type { Outcome } from './result.ts';

/** Counts what happened in one act; figures only, no opinion. */
export function outcomeOf(facts: ActFacts): Outcome {
  const requestsAfterQuiet = { ok: 0, reset: 0, timeout: 0, closed: 0, other: 0 };
  for (const request of facts.morning) requestsAfterQuiet[request.outcome]++;
  const firstStart = Math.min(...facts.morning.map((request) => request.startedAt));
  const replies = facts.morning.map((request) => request.repliedAt).filter((time) => time !== undefined);
  const applied = new Map<string, number>();
  for (const event of facts.evidence.events)
    for (const id of event.event === 'ledger' ? (event.ids ?? []) : []) applied.set(id, (applied.get(id) ?? 0) + 1);
  const asked = facts.requests.map((request) => request.id);
  const { zombies } = facts.matchingAtEnd;
  const zombiesOn = (hosts: readonly string[]) => zombies.filter(({ host }) => hosts.includes(host)).length;
  return {
    requestsAfterQuiet,
    lostInQuiet: facts.pool.filter(({ closedAt }) => closedAt !== undefined && closedAt <= (facts.quiet?.to ?? 0))
      .length,
    replayed: facts.morning.filter((request) => request.replayed).length,
    firstReplySeconds: replies.length > 0 ? micro(Math.min(...replies) - firstStart) : null,
    zombies: {
      client: zombiesOn([facts.client]),
      middlebox: zombiesOn([facts.box.name]),
      server: zombiesOn(facts.brokers),
    },
    probesSent: facts.probes.length,
    detectionSeconds: detection(facts),
    lostMessages: asked.filter((id) => !applied.has(id)).length,
    duplicatedCommands: asked.filter((id) => (applied.get(id) ?? 0) > 1).length,
  };
}

const micro = (seconds: number) => Math.round(seconds * 1e6) / 1e6;

/** From the loss of the other end, or from the first request after the quiet, to the first end that noticed. */
function detection(facts: ActFacts): number | null {
  const { loss } = facts;
  if (loss) {
    // What happens to the sockets of the lost host itself is nobody's notice.
    const lostHosts = 'actions' in loss ? loss.actions.flatMap(({ host }) => facts.hostsNamed(host)) : [];
    const ends = [facts.client, ...facts.brokers].filter((host) => !lostHosts.includes(host));
    const end = facts.evidence.ends.find(({ host, time }) => ends.includes(host) && time > loss.from);
    return end ? micro(end.time - loss.from) : null;
  }
  const noticed = facts.morning.filter((request) => request.outcome !== 'ok' && request.outcomeAt !== undefined);
  return noticed.length > 0
    ? micro(Math.min(...noticed.map((request) => (request.outcomeAt as number) - request.startedAt)))
    : null;
}

// What the verbs of a pool of connections have in common.
import { formatDuration } from '../base/duration.ts';
import type { ActionStep, HostPlan } from '../plan/plan.ts';
import { numbersOf } from './cast.ts';
import type { ConnectionsOf } from './server.ts';
import type { VerbContext } from './verb.ts';

/** ", one after another, in 40 s" where a step is spread over a time. */
export const slowly = ({ overSeconds }: ActionStep): string =>
  overSeconds === undefined ? '' : `, one after another, in ${formatDuration(overSeconds)}`;

/** "1 byte", "64 bytes". */
export const bytesText = (bytes: unknown): string => `${bytes} byte${bytes === 1 ? '' : 's'}`;

/** How a step says which connections it is about: "10 connections"; "each of its 10 connections". */
export function onItsConnections(step: ActionStep, host: HostPlan): { count: string; each: string } {
  const all = host.role === 'client' ? host.connections : 1;
  const some = step.part?.count ?? all;
  const count = `${some} connection${some === 1 ? '' : 's'}`;
  if (some < all) return { count: `${some} of its ${all} connections`, each: `${some} of its ${all} connections` };
  return { count, each: all === 1 ? 'its connection' : `each of its ${all} connections` };
}

/** Whose connections a step is about, without their number for a server: "its connections with web". */
export function itsConnections(step: ActionStep, host: HostPlan): string {
  if (host.role === 'client') return onItsConnections(step, host).each;
  const { to } = step.params as { to?: string };
  return to === undefined ? 'its connections' : `its connections with ${to}`;
}

/** Opens connections, and waits until they are ready; with a request on each, until that is answered. */
export async function openConnections(
  { lab, cast, host, step, patiently }: VerbContext,
  asking: boolean,
): Promise<void> {
  const actor = cast.client(host.name);
  const connections = numbersOf(actor.plan, step);
  const ids = asking ? actor.newIds(cast.act.name, connections) : undefined;
  const { keepalive, commandTimeoutSeconds, socketTimeoutSeconds, heartbeatSeconds, userTimeoutSeconds } = actor.tuning;
  const settled = ids ? actor.settled(ids) : Promise.resolve();
  const ready = actor.ready(connections);
  const { boxes, servers } = cast.act.paths.find(({ client }) => client === host.name) ?? { boxes: [], servers: [] };
  // A proxy connects to its server only when its client is connected to it.
  const telling = servers.filter((name) => cast.servers.get(name)?.server.tellsAccepted && !lab.host(name).frozen);
  const before = cast.arrivals.count(telling);
  actor.send({
    do: 'connect',
    connections,
    options: {
      host: actor.target.address,
      port: actor.target.port,
      ...(keepalive === undefined ? {} : { keepalive }),
      ...(commandTimeoutSeconds === undefined ? {} : { commandTimeoutSeconds }),
      ...(socketTimeoutSeconds === undefined ? {} : { socketTimeoutSeconds }),
      ...(userTimeoutSeconds === undefined ? {} : { userTimeoutSeconds }),
    },
    ...(heartbeatSeconds === undefined ? {} : { heartbeatSeconds }),
    ...(ids ? { ids } : {}),
    ...(step.overSeconds === undefined ? {} : { spreadSeconds: step.overSeconds }),
  });
  if (!step.awaited) return;
  const through = boxes.length === 0 ? '' : ` through ${boxes.join(', ')}`;
  const [open] = await patiently(
    Promise.all([ready, settled]),
    `connecting ${connections.length} connections${through}`,
  );
  if (telling.length > 0) await cast.arrivals.until(telling, before + open);
}

/** A server's connections with a client, by the client's addresses and by the ids of its requests. */
const connectionsOf = ({ lab, cast }: VerbContext, client: string): ConnectionsOf => ({
  client,
  addresses: lab.host(client).addresses,
  ids: new RegExp(`^${cast.act.name}-${client}-\\d+-\\d+$`),
});

/**
 * Has a client's library or a server's program do a verb that it offers, on the connections that the step is about: a part of a
 * client's, or a server's with one client (`to`).
 */
export async function performOnConnections(context: VerbContext): Promise<void> {
  const { cast, host, step, patiently } = context;
  const { action, params, overSeconds } = step;
  const spread = overSeconds === undefined ? {} : { spreadSeconds: overSeconds };
  if (host.role === 'client') {
    const actor = cast.client(host.name);
    const connections = numbersOf(actor.plan, step);
    await patiently(
      actor.perform({ verb: action, connections, params, ...spread }),
      `${action} on ${connections.length} connections of ${host.name}`,
    );
    return;
  }
  const { to, ...own } = params as { to?: string };
  const perform = cast.servers.get(host.name)?.started.perform;
  if (perform === undefined) throw new Error(`${host.name} offers ${action} and has nothing that does it`);
  const of = to === undefined ? {} : { of: connectionsOf(context, to) };
  await patiently(perform(action, own, { ...of, ...spread }), `${action} on ${host.name}`);
}

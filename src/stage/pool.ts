// What the verbs of a pool of connections have in common.
import { formatDuration } from '../base/duration.ts';
import type { ActionStep, HostPlan } from '../plan/plan.ts';
import { numbersOf } from './cast.ts';
import type { VerbContext } from './verb.ts';

/** ", one after another, in 40 s" where a step is spread over a time. */
export const slowly = ({ overSeconds }: ActionStep): string =>
  overSeconds === undefined ? '' : `, one after another, in ${formatDuration(overSeconds)}`;

/** How a step says which connections it is about: "10 connections"; "each of its 10 connections". */
export function onItsConnections(step: ActionStep, host: HostPlan): { count: string; each: string } {
  const all = host.role === 'client' ? host.connections : 1;
  const some = step.part?.count ?? all;
  const count = `${some} connection${some === 1 ? '' : 's'}`;
  if (some < all) return { count: `${some} of its ${all} connections`, each: `${some} of its ${all} connections` };
  return { count, each: all === 1 ? 'its connection' : `each of its ${all} connections` };
}

/** Opens connections, and waits until they are ready; with a request on each, until that is answered. */
export async function openConnections({ cast, host, step, patiently }: VerbContext, asking: boolean): Promise<void> {
  const actor = cast.client(host.name);
  const connections = numbersOf(actor.plan, step);
  const ids = asking ? actor.newIds(cast.act.name, connections) : undefined;
  const { keepalive, commandTimeoutSeconds, socketTimeoutSeconds, heartbeatSeconds, userTimeoutSeconds } = actor.tuning;
  const settled = ids ? actor.settled(ids) : Promise.resolve();
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
  const { boxes } = cast.act.paths.find(({ client }) => client === host.name) ?? { boxes: [] };
  const through = boxes.length === 0 ? '' : ` through ${boxes.join(', ')}`;
  await patiently(
    Promise.all([actor.ready(connections), settled]),
    `connecting ${connections.length} connections${through}`,
  );
}

/** Has a client's library or a server's program do a verb that it offers, on the connections that the step is about. */
export async function performOnConnections({ cast, host, step, patiently }: VerbContext): Promise<void> {
  if (host.role === 'client') {
    const actor = cast.client(host.name);
    actor.send({
      do: 'perform',
      verb: step.action,
      connections: numbersOf(actor.plan, step),
      params: step.params,
      ...(step.overSeconds === undefined ? {} : { spreadSeconds: step.overSeconds }),
    });
    return;
  }
  const started = cast.servers.get(host.name)?.started;
  await patiently(started?.perform?.(step.action, step.params) ?? Promise.resolve(), `${step.action} on ${host.name}`);
}

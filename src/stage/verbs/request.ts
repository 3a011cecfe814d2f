import { z } from 'zod';
import { bytesParam } from '../../plan/params.ts';
import { numbersOf } from '../cast.ts';
import { bytesText, onItsConnections, slowly } from '../pool.ts';
import type { Verb } from '../verb.ts';

/** An id counts the rounds of requests that its client has made; no timeline has more. */
const MOST_ROUNDS = 9_999_999;

/** Quiet begins when the last answer is in; whoever wants to watch, watches at once. */
const request: Verb = {
  about: 'a client sends a command on its connections; the step lasts until all are answered, unless it is watched',
  params: z.strictObject({ bytes: bytesParam.optional() }),
  who: ['client'],
  onConnections: true,
  takesAway: 'nothing',
  talks: 'sends',
  awaited: (watched) => !watched,
  refuses({ act, host, params, library }) {
    const { bytes } = params as { bytes?: number };
    if (bytes === undefined || host.role !== 'client' || library === undefined) return undefined;
    const least = library.leastRequestBytes(`${act}-${host.name}-${MOST_ROUNDS}-${host.connections - 1}`);
    return bytes >= least
      ? undefined
      : {
          what: `${bytes} bytes cannot carry the request’s id, which shows where it was lost or came twice`,
          todo: `write ${least} or more; "push" sends any number of bytes, without an id`,
        };
  },
  say: (step, host) =>
    `${host.name} sends a command${step.params.bytes === undefined ? '' : ` of ${bytesText(step.params.bytes)}`} on ${onItsConnections(step, host).each}${slowly(step)}`,
  async do({ cast, host, step, patiently }) {
    const actor = cast.client(host.name);
    const connections = numbersOf(actor.plan, step);
    const ids = actor.newIds(cast.act.name, connections);
    const settled = actor.settled(ids);
    const { bytes } = step.params as { bytes?: number };
    actor.send({
      do: 'request',
      connections,
      ids,
      ...(bytes === undefined ? {} : { bytes }),
      ...(step.overSeconds === undefined ? {} : { spreadSeconds: step.overSeconds }),
    });
    if (step.awaited) await patiently(settled, `answering ${ids.length} commands`);
  },
};
export default request;

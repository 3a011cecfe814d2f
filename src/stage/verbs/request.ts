import { z } from 'zod';
import { bytesParam } from '../../plan/params.ts';
import { numbersOf } from '../cast.ts';
import { onItsConnections, slowly } from '../pool.ts';
import type { Verb } from '../verb.ts';

/** Quiet begins when the last answer is in; whoever wants to watch, watches at once. */
const request: Verb = {
  about: 'a client sends a command on its connections; the step lasts until all are answered, unless it is watched',
  params: z.strictObject({ bytes: bytesParam.optional() }),
  who: ['client'],
  onConnections: true,
  takesAway: 'nothing',
  talks: 'sends',
  awaited: (watched) => !watched,
  say: (step, host) => `${host.name} sends a command on ${onItsConnections(step, host).each}${slowly(step)}`,
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

// Verbs that a server does on its connections with one client: `to` names it.
import { z } from 'zod';
import type { Doing, Refusal } from '../plan/known.ts';
import { hostsOnPath } from '../plan/paths.ts';

/** `to`: the client whose connections a server does it on. */
export const toClient = { to: z.string().optional().describe('of a server: on its connections with this client') };

/** Why there are no connections of that client here; undefined where there may be. */
export function refusesTo({ host, params, paths }: Doing): Refusal | undefined {
  const { to } = params as { to?: string };
  if (to === undefined) return undefined;
  if (host.role !== 'server')
    return {
      what: `"to" is for servers, and ${host.name} is a ${host.role}`,
      todo: 'a client has "of" for a part of its own',
    };
  const clients = paths.filter((path) => hostsOnPath(path).includes(host.name)).map(({ client }) => client);
  return clients.includes(to)
    ? undefined
    : { what: `no path leads from "${to}" to ${host.name}`, todo: `its clients are ${clients.join(', ')}` };
}

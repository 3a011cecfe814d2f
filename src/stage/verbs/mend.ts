import { z } from 'zod';
import { mendLinks } from '../power.ts';
import type { Verb } from '../verb.ts';

const mend: Verb = {
  about: 'the links of a host are whole again, after cut, delay, lose or duplicate',
  params: z.strictObject({}),
  who: ['client', 'server', 'middlebox'],
  onConnections: false,
  takesAway: 'nothing',
  awaited: () => true,
  say: (_, { name }) => `the links of ${name} are whole again`,
  async do(context) {
    await mendLinks(context);
    await context.lab.host(context.host.name).unimpair();
  },
};
export default mend;
